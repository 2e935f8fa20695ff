# Builds and tests everything again under a sanitizer, with the preset PRESET. Leaves out tests that run no instrumented code, as Halide's
# JIT code, and, if the sanitizer has its own allocator, tests that replace the allocator.
if(NOT DEFINED ENV{CASTNET_SANITIZERS})
  message(STATUS "skipped: CASTNET_SANITIZERS=1 builds and tests everything under ${PRESET}, which takes ten minutes")
  return()
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
set(ENV{CTEST_PARALLEL_LEVEL} ${cores})
execute_process(COMMAND ${CMAKE_COMMAND} --workflow --preset ${PRESET} COMMAND_ERROR_IS_FATAL ANY)

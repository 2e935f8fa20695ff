# Builds and tests everything once more under a sanitizer, the preset PRESET; but not what runs no instrumented code, as what Halide compiles
# in memory, nor, where the sanitizer brings an allocator, what replaces that.
if(NOT DEFINED ENV{CASTNET_SANITIZERS})
  message(STATUS "skipped: CASTNET_SANITIZERS=1 builds and tests everything under ${PRESET}, which takes ten minutes")
  return()
endif()
cmake_host_system_information(RESULT cores QUERY NUMBER_OF_LOGICAL_CORES)
set(ENV{CTEST_PARALLEL_LEVEL} ${cores})
execute_process(COMMAND ${CMAKE_COMMAND} --workflow --preset ${PRESET} COMMAND_ERROR_IS_FATAL ANY)

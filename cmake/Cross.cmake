# What a build for another machine takes from this one: the compiler castnet, of a build for this machine, and headers. Libraries for the
# other machine are not needed: it gets the runtime, the networks and their tests, and the programs stay out.
set(CASTNET_NATIVE_BUILD "${PROJECT_SOURCE_DIR}/build" CACHE PATH "The build for this machine: its compiler makes the networks")
if(NOT EXISTS "${CASTNET_NATIVE_BUILD}/bin/castnet")
  message(FATAL_ERROR " error: ${CASTNET_NATIVE_BUILD}: there is no build for this machine, whose compiler makes the networks; run sh cmake/bootstrap.sh build first")
endif()
castnet_import_tools("${CASTNET_NATIVE_BUILD}/bin")

# Copies headers one library at a time: the others in /usr/include are of this machine.
foreach(castnet_library IN ITEMS doctest fmt)
  find_path(castnet_${castnet_library} ${castnet_library} PATHS /usr/include NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH REQUIRED)
  file(COPY "${castnet_${castnet_library}}/${castnet_library}" DESTINATION "${CMAKE_BINARY_DIR}/headers")
  add_library(${castnet_library}::${castnet_library} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${castnet_library}::${castnet_library} SYSTEM INTERFACE "${CMAKE_BINARY_DIR}/headers")
endforeach()
target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY)
file(GLOB castnet_runtime_header "${castnet_venv}/lib/python3*/site-packages/halide/include/HalideRuntime.h")
cmake_path(GET castnet_runtime_header PARENT_PATH castnet_halide_headers)
add_library(castnet_halide INTERFACE)
target_include_directories(castnet_halide SYSTEM INTERFACE "${castnet_halide_headers}")

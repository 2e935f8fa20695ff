# find_package(Castnet) gives another project its networks. The runtime is compiled there, with that project's compiler and flags. Each
# folder that calls it gets the variables and the imported targets, whose scope is the folder; the rest is made once.
cmake_minimum_required(VERSION 3.25)
include(CMakeFindDependencyMacro)
find_dependency(Threads)
foreach(castnet_dependency IN ITEMS CLI11 fmt nlohmann_json ZLIB PNG) # only for the programs and the files
  find_package(${castnet_dependency} QUIET)
endforeach()

cmake_path(SET CASTNET_PLUGINS NORMALIZE "${CMAKE_CURRENT_LIST_DIR}/../halide/lib64")
include("${CMAKE_CURRENT_LIST_DIR}/Castnet.cmake")
if(TARGET castnet_runtime)
  return()
endif()
castnet_import_tools("${CMAKE_CURRENT_LIST_DIR}/../bin")
add_library(castnet_warnings INTERFACE) # no warnings of ours in the other project
add_library(castnet_halide INTERFACE)
target_include_directories(castnet_halide SYSTEM INTERFACE "${CMAKE_CURRENT_LIST_DIR}/../halide/include")

foreach(castnet_folder IN ITEMS runtime train)
  add_subdirectory("${CASTNET_SOURCE_DIR}/${castnet_folder}" "${CMAKE_BINARY_DIR}/castnet/${castnet_folder}" EXCLUDE_FROM_ALL)
endforeach()

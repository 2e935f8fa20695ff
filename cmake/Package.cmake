# cmake --install makes the package Castnet, which find_package(Castnet) finds, and which works without CMake too. It mirrors the source
# tree below lib/castnet. The runtime and the programs are sources, which another project builds with its own compiler and flags, for its
# own target. The compiler is a program for this machine, with Halide if that came with build/venv.
include(CMakePackageConfigHelpers)

set(castnet_package lib/castnet)
set(castnet_tools castnet castnet_generator castnet_space castnet_measure)
set_target_properties(${castnet_tools} PROPERTIES INSTALL_RPATH "$ORIGIN/../halide/lib64")
install(TARGETS ${castnet_tools} RUNTIME DESTINATION ${castnet_package}/bin)
install(DIRECTORY cmake runtime train DESTINATION ${castnet_package}
        PATTERN "bootstrap.sh" EXCLUDE PATTERN "download_mnist.py" EXCLUDE PATTERN "Package.cmake" EXCLUDE PATTERN "__pycache__" EXCLUDE
        REGEX "cmake/autotune/.*(cpp|h|CMakeLists.txt)$" EXCLUDE)
install(DIRECTORY generators/schedules DESTINATION ${castnet_package}/generators FILES_MATCHING PATTERN "*.txt")
install(FILES LICENSE DESTINATION ${castnet_package})

write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/CastnetConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/CastnetConfigVersion.cmake" DESTINATION ${castnet_package}/cmake)

# The header that the runtime includes, and the wheel's own library and autoschedulers.
get_target_property(castnet_halide_headers Halide::Runtime INTERFACE_INCLUDE_DIRECTORIES)
install(FILES "${castnet_halide_headers}/HalideRuntime.h" DESTINATION ${castnet_package}/halide/include)
cmake_path(GET CASTNET_PLUGINS PARENT_PATH castnet_halide_folder)
cmake_path(IS_PREFIX castnet_venv "${castnet_halide_folder}" NORMALIZE castnet_brings_halide)
if(castnet_brings_halide)
  install(DIRECTORY "${CASTNET_PLUGINS}" DESTINATION ${castnet_package}/halide USE_SOURCE_PERMISSIONS FILES_MATCHING PATTERN "*.so*" PATTERN "cmake" EXCLUDE)
endif()

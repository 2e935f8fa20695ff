# cmake --install: the package Castnet, which find_package(Castnet) finds. It mirrors the source tree below lib/castnet, so that the network
# language finds its parts as it does here: the runtime and the programs as sources, which the other project's compiler builds with its own
# flags and for its own target; the generators as a program that runs on this machine, and Halide with it, where it came with build/venv.
include(CMakePackageConfigHelpers)

set(castnet_package lib/castnet)
set(castnet_programs castnet_generator castnet_space castnet_measure)
set_target_properties(${castnet_programs} PROPERTIES INSTALL_RPATH "$ORIGIN/../halide/lib64")
install(TARGETS ${castnet_programs} RUNTIME DESTINATION ${castnet_package}/bin)
install(DIRECTORY cmake runtime train DESTINATION ${castnet_package}
        PATTERN "bootstrap.sh" EXCLUDE PATTERN "download_mnist.py" EXCLUDE PATTERN "Package.cmake" EXCLUDE PATTERN "__pycache__" EXCLUDE
        REGEX "cmake/autotune/.*(cpp|h|CMakeLists.txt)$" EXCLUDE)
install(DIRECTORY generators/schedules DESTINATION ${castnet_package}/generators FILES_MATCHING PATTERN "*.txt")
install(FILES LICENSE DESTINATION ${castnet_package})

write_basic_package_version_file("${CMAKE_CURRENT_BINARY_DIR}/CastnetConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/CastnetConfigVersion.cmake" DESTINATION ${castnet_package}/cmake)

# Any other Halide is installed where the other project finds it too.
cmake_path(SET castnet_halide NORMALIZE "${Halide_DIR}/../../..")
cmake_path(IS_PREFIX castnet_venv "${castnet_halide}" NORMALIZE castnet_brings_halide)
if(castnet_brings_halide)
  install(DIRECTORY "${castnet_halide}" DESTINATION ${castnet_package}/halide USE_SOURCE_PERMISSIONS
          PATTERN "*.py" EXCLUDE PATTERN "__pycache__" EXCLUDE PATTERN "halide_.*.so" EXCLUDE PATTERN "*.a" EXCLUDE
          PATTERN "Halide.h" EXCLUDE PATTERN "cmake/Halide" EXCLUDE PATTERN "Halide_Python" EXCLUDE)
endif()

# Runs CASE, a call of castnet_add_network() say, and prints the layers of what it accepts. What would make targets is replaced by nothing:
# only the language is under test.
foreach(command IN ITEMS add_library add_executable add_halide_library add_custom_command add_custom_target add_dependencies
        target_compile_definitions target_include_directories target_link_libraries target_sources set_property set_target_properties
        get_property)
  function(${command})
  endfunction()
endforeach()
# Writes the header, from what stands in the caller's variables.
function(configure_file)
  message(STATUS "${header_layers}")
endfunction()

set(CMAKE_CURRENT_BINARY_DIR "${SCRATCH}")
include("${CASTNET_SOURCE_DIR}/cmake/Castnet.cmake")
cmake_language(EVAL CODE "${CASE}")

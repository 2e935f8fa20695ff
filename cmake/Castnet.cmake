# castnet_add_network() makes a network's library, castnet_add_programs() its programs. Only the compiler castnet knows what a network's
# text means.

set(CASTNET_SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/..")
set(CASTNET_SCHEDULES "" CACHE STRING "Tuned schedules: a file of them, or none; empty: the tables of the target")
set(CASTNET_TARGETS "${Halide_TARGET}" CACHE STRING
  "The Halide targets that networks are compiled for: one, or levels of x86-64, where x86-64 stands for its three; empty: this machine")

# The folder of the autotuner's tables: another project's own, or Castnet's.
set(CASTNET_TABLES "${CMAKE_SOURCE_DIR}/schedules")
cmake_path(IS_PREFIX CMAKE_SOURCE_DIR "${CASTNET_SOURCE_DIR}" NORMALIZE castnet_is_own_project)
if(castnet_is_own_project)
  set(CASTNET_TABLES "${CASTNET_SOURCE_DIR}/generators/schedules")
endif()

include("${CMAKE_CURRENT_LIST_DIR}/autotune/Autotune.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/Page.cmake")

# Stops the configure step with one line.
function(castnet_error message)
  message(FATAL_ERROR " error: ${message}") # the leading space keeps CMake from breaking the line
endfunction()

# Makes targets of the compiler and the autotuner's programs in a folder.
function(castnet_import_tools folder)
  foreach(tool IN ITEMS castnet castnet_generator castnet_space castnet_measure)
    add_executable(${tool} IMPORTED GLOBAL)
    set_target_properties(${tool} PROPERTIES IMPORTED_LOCATION "${folder}/${tool}")
  endforeach()
endfunction()

# Sets `result` to the compiler's options for targets and schedules.
function(castnet_compiler_options result targets)
  set(options "")
  if(targets)
    list(JOIN targets "," targets)
    list(APPEND options --target ${targets})
  endif()
  if(CASTNET_SCHEDULES STREQUAL "none")
    list(APPEND options --schedules none)
  elseif(CASTNET_SCHEDULES)
    cmake_path(ABSOLUTE_PATH CASTNET_SCHEDULES BASE_DIRECTORY "${CMAKE_SOURCE_DIR}")
    list(APPEND options --schedules "${CASTNET_SCHEDULES}")
  elseif(NOT castnet_is_own_project) # castnet finds its own tables
    file(GLOB tables CONFIGURE_DEPENDS "${CASTNET_TABLES}/*.txt") # notices the first table; the depfile covers later ones
    if(tables)
      list(APPEND options --schedules "${CASTNET_TABLES}")
    endif()
  endif()
  set(${result} "${options}" PARENT_SCOPE)
endfunction()

# Makes lib{network}.a and its header in a folder, by `castnet compile`.
function(castnet_compile network file folder targets)
  castnet_compiler_options(options "${targets}")
  add_custom_command(OUTPUT "${folder}/lib${network}.a" "${folder}/${network}.h"
    COMMAND castnet compile "${file}" --output "${folder}" --depfile "${folder}/${network}.d" ${options}
    DEPENDS "${file}" castnet DEPFILE "${folder}/${network}.d" VERBATIM COMMENT "Compiling the network ${network}")
endfunction()

# castnet_add_network(FILE.castnet [TARGETS TARGET…])
#
# Makes the library target NAME, named after the file, and the header NAME.h, which describes the network as constexpr data in namespace
# NAME. TARGETS are those of `castnet compile --target`; by default CASTNET_TARGETS.
function(castnet_add_network file)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "TARGETS")
  if(NOT DEFINED arg_TARGETS)
    set(arg_TARGETS ${CASTNET_TARGETS})
  endif()
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    castnet_error("castnet_add_network(${file}): there is no '${arg_UNPARSED_ARGUMENTS}'; write TARGETS x86-64, say, or nothing")
  endif()
  cmake_path(ABSOLUTE_PATH file NORMALIZE)
  cmake_path(GET file STEM LAST_ONLY network)
  if(NOT file MATCHES "\\.castnet$" OR NOT EXISTS "${file}")
    castnet_error("castnet_add_network: there is no file ${file}; give the path of a network's text, NAME.castnet")
  elseif(NOT network MATCHES "^[a-z][a-z0-9_]*$" OR TARGET ${network})
    castnet_error("${file}: the name ${network} is taken or not allowed; rename the file, with small letters, digits and _")
  endif()
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${network}.castnet")
  set(library "${folder}/lib${network}.a")
  castnet_compile(${network} "${file}" "${folder}" "${arg_TARGETS}")
  add_custom_target(${network}-library DEPENDS "${library}")
  add_library(${network} INTERFACE)
  add_dependencies(${network} ${network}-library)
  target_include_directories(${network} INTERFACE "${folder}")
  target_link_libraries(${network} INTERFACE castnet_runtime "${library}")
  set_property(GLOBAL APPEND PROPERTY CASTNET_NETWORKS ${network})
  castnet_add_autotuning(${network} "${file}" "${arg_TARGETS}")
  castnet_add_page(${network} "${file}")
endfunction()

# castnet_add_programs(NAME [CLASSES 1,5,6])
#
# Makes the programs train-NAME and explore-NAME; train and explore for the default network, mnist_cae. CLASSES are the labels that they use
# by default; without it, all.
function(castnet_add_programs network)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "CLASSES")
  if(NOT DEFINED arg_CLASSES AND NOT arg_KEYWORDS_MISSING_VALUES)
    set(arg_CLASSES all)
  endif()
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    castnet_error("castnet_add_programs(${network}): there is no '${arg_UNPARSED_ARGUMENTS}'; write CLASSES 1,5,6, say, or nothing")
  elseif(NOT "${arg_CLASSES}" MATCHES "^(all|-?[0-9]+(,-?[0-9]+)*)$")
    castnet_error("castnet_add_programs(${network}): CLASSES '${arg_CLASSES}' are not labels; write CLASSES 1,5,6, say, or all")
  elseif(NOT TARGET ${network})
    castnet_error("castnet_add_programs(${network}): there is no such network; call castnet_add_network(${network}.castnet) first")
  elseif(NOT TARGET castnet_programs)
    castnet_error("castnet_add_programs(${network}): the programs need CLI11, fmt, libpng, nlohmann-json and zlib; install them, and configure again")
  endif()
  foreach(program IN ITEMS train explore)
    set(target ${program}-${network})
    if(network STREQUAL "mnist_cae")
      set(target ${program})
    endif()
    add_executable(${target} "${CASTNET_SOURCE_DIR}/train/${program}.cpp")
    target_compile_definitions(${target} PRIVATE CASTNET_NETWORK=${network} CASTNET_NETWORK_HEADER="${network}.h" CASTNET_PROGRAM="${target}"
                               CASTNET_CLASSES="${arg_CLASSES}")
    target_link_libraries(${target} PRIVATE castnet_programs castnet_group ${network})
  endforeach()
endfunction()

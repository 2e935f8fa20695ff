# The network language: castnet_add_network() describes a network and compiles its pipelines, castnet_add_programs() makes its programs.
#
#   castnet_add_network(NAME INPUT 28x28x1 ENCODER "LAYER"… DECODER "LAYER"…)
#   castnet_add_programs(NAME [CLASSES 1,5,6])
#
# LAYER is `conv2d` or `conv2d_transpose` followed by key=value: filters and kernel (required), stride, padding, activation, l2, name.
# Shapes are HxWxC. Shape rules, defaults and names are Keras's.

set(CASTNET_SOURCE_DIR "${CMAKE_CURRENT_LIST_DIR}/..")
include("${CMAKE_CURRENT_LIST_DIR}/Schedules.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/autotune/Autotune.cmake")

# Stops the configure step with one line, whatever the text that it quotes.
function(castnet_error message)
  string(ASCII 1 first)
  string(ASCII 31 last)
  string(REGEX REPLACE "[${first}-${last}]" " " message "${message}")
  message(FATAL_ERROR " error: ${message}") # the leading space keeps CMake from breaking the line
endfunction()

# A name goes into files' names, which are not endless.
function(castnet_check_name where what name)
  string(LENGTH "${name}" length)
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$" OR length GREATER 64)
    castnet_error("${where}: ${what}not a name; use small letters, digits and _, a letter first, 64 at most")
  endif()
endfunction()

# A network's name is one of CMake's targets and of C++'s namespaces.
function(castnet_check_network_name where name)
  set(reserved
      # by CMake
      all clean depend edit_cache help install list_install_components package package_source preinstall rebuild_cache test
      # by C++
      alignas alignof and and_eq asm auto bitand bitor bool break case catch char class co_await co_return co_yield compl concept const
      const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum explicit export extern
      false float for friend goto if inline int long main mutable namespace new noexcept not not_eq nullptr operator or or_eq private
      protected public register reinterpret_cast requires return short signed sizeof static static_assert static_cast std struct switch
      template this thread_local throw true try typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
      xor_eq)
  castnet_check_name("${where}" "" "${name}")
  if(TARGET ${name} OR name IN_LIST reserved)
    castnet_error("${where}: the name is taken; choose another")
  endif()
endfunction()

# Halide counts the elements of an array in 32 bits.
function(castnet_check_size where what)
  list(JOIN ARGN " * " product)
  math(EXPR size "${product}")
  if(size GREATER 2147483647)
    castnet_error("${where}: the ${what} would have ${size} elements; it may have at most 2147483647")
  endif()
endfunction()

# "3x5" or "3" → height 3 and width 5 or 3.
function(castnet_parse_pair where key text height width)
  if(text MATCHES "^([1-9][0-9]?[0-9]?[0-9]?)$")
    set(${height} ${CMAKE_MATCH_1} PARENT_SCOPE)
    set(${width} ${CMAKE_MATCH_1} PARENT_SCOPE)
  elseif(text MATCHES "^([1-9][0-9]?[0-9]?[0-9]?)x([1-9][0-9]?[0-9]?[0-9]?)$")
    set(${height} ${CMAKE_MATCH_1} PARENT_SCOPE)
    set(${width} ${CMAKE_MATCH_2} PARENT_SCOPE)
  else()
    castnet_error("${where}: ${key}=${text} is not a size; write ${key}=3, or ${key}=3x5 for 3 rows by 5 columns (1 to 9999)")
  endif()
endfunction()

# A layer's keys, checked, as variables layer_KEY of the caller: kind, filters, kernel_height, kernel_width, stride_y, stride_x, padding,
# activation, l2, name (empty when automatic).
function(castnet_parse_layer where text)
  if(NOT text MATCHES "^[A-Za-z0-9_=.+ -]*$") # the text goes into a C++ string, and into files
    castnet_error("${where}: a layer is written in letters, digits, spaces and _ = . + - alone")
  endif()
  separate_arguments(words UNIX_COMMAND "${text}")
  list(POP_FRONT words kind)
  if(NOT kind MATCHES "^conv2d(_transpose)?$")
    castnet_error("${where}: there is no layer '${kind}'; the layers are conv2d and conv2d_transpose")
  endif()

  set(keys filters kernel stride padding activation l2 name)
  list(JOIN keys ", " allowed)
  set(value_stride 1)
  set(value_padding valid)
  set(value_activation linear)
  set(value_l2 0)
  set(value_name "")
  set(seen "")
  foreach(word IN LISTS words)
    if(NOT word MATCHES "^([^=]+)=(.+)$")
      castnet_error("${where}: '${word}' is not key=value; the keys are ${allowed}")
    endif()
    set(key "${CMAKE_MATCH_1}")
    set(value "${CMAKE_MATCH_2}")
    if(NOT key IN_LIST keys)
      castnet_error("${where}: there is no key '${key}'; the keys are ${allowed}")
    elseif(key IN_LIST seen)
      castnet_error("${where}: ${key} is given twice; give it once")
    endif()
    list(APPEND seen ${key})
    set(value_${key} "${value}")
  endforeach()
  foreach(key IN ITEMS filters kernel)
    if(NOT key IN_LIST seen)
      castnet_error("${where}: ${key} is missing; add ${key}=3, say")
    endif()
  endforeach()

  if(NOT value_filters MATCHES "^[1-9][0-9]?[0-9]?[0-9]?$")
    castnet_error("${where}: filters=${value_filters} is not a number of channels; write filters=32, say (1 to 9999)")
  elseif(NOT value_padding MATCHES "^(same|valid)$")
    castnet_error("${where}: there is no padding '${value_padding}'; it is same or valid")
  elseif(NOT value_activation MATCHES "^(linear|relu|sigmoid|tanh|softmax)$")
    castnet_error("${where}: there is no activation '${value_activation}'; it is linear, relu, sigmoid, tanh or softmax")
  elseif(NOT value_l2 MATCHES "^(0|[1-9][0-9]*)(\\.[0-9]*)?([eE][-+]?[0-9]+)?$" OR value_l2 GREATER 9999
         OR (value_l2 GREATER 0 AND value_l2 LESS 1e-30)) # what a float holds
    castnet_error("${where}: l2=${value_l2} is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)")
  elseif(value_name MATCHES "^(adam|best|self_test)$")
    castnet_error("${where}: the name ${value_name} is taken by what checkpoints hold; choose another")
  endif()
  if("name" IN_LIST seen)
    castnet_check_name("${where}" "name=${value_name} is " "${value_name}")
  endif()
  castnet_parse_pair("${where}" kernel "${value_kernel}" kernel_height kernel_width)
  castnet_parse_pair("${where}" stride "${value_stride}" stride_y stride_x)

  set(layer_kind ${kind} PARENT_SCOPE)
  foreach(variable IN ITEMS kernel_height kernel_width stride_y stride_x)
    set(layer_${variable} ${${variable}} PARENT_SCOPE)
  endforeach()
  foreach(key IN ITEMS filters padding activation l2 name)
    set(layer_${key} "${value_${key}}" PARENT_SCOPE)
  endforeach()
endfunction()

# Keras's output extent of one dimension, and the extents of the bilinear map's two grids with the zeros before.
function(castnet_infer_extent where kind padding in kernel stride dimension)
  if(kind STREQUAL "conv2d")
    if(padding STREQUAL "same")
      math(EXPR out "(${in} + ${stride} - 1) / ${stride}")
    elseif(kernel GREATER in)
      castnet_error("${where}: the kernel's ${dimension} ${kernel} is larger than the input's ${in}; with padding=valid it may be at most ${in}")
    else()
      math(EXPR out "(${in} - ${kernel}) / ${stride} + 1")
    endif()
    set(large ${in})
    set(small ${out})
  else()
    math(EXPR out "${in} * ${stride}")
    if(padding STREQUAL "valid" AND kernel GREATER stride)
      math(EXPR out "${out} + ${kernel} - ${stride}")
    endif()
    set(large ${out})
    set(small ${in})
  endif()
  if(out GREATER 9999)
    castnet_error("${where}: the output's ${dimension} would be ${out}; it may be at most 9999")
  endif()
  set(pad 0)
  math(EXPR window "(${small} - 1) * ${stride} + ${kernel}")
  if(padding STREQUAL "same" AND window GREATER large)
    math(EXPR pad "(${window} - ${large}) / 2") # the odd one comes after
  endif()
  foreach(variable IN ITEMS out large small pad)
    set(${variable}_${dimension} ${${variable}} PARENT_SCOPE)
  endforeach()
endfunction()

# The kernel and the stride with which a layer of padding=valid leads from one extent to another: its own stride, or else 1. Empty where
# none does.
function(castnet_fit_extent kind in stride wanted kernel fitting_stride)
  set(${kernel} "" PARENT_SCOPE)
  foreach(candidate IN ITEMS 1 ${stride})
    if(kind STREQUAL "conv2d")
      math(EXPR fitting "${in} - (${wanted} - 1) * ${candidate}")
    else()
      math(EXPR fitting "${wanted} - (${in} - 1) * ${candidate}")
    endif()
    if(fitting GREATER 0 AND (kind STREQUAL "conv2d" OR fitting GREATER_EQUAL candidate))
      set(${kernel} ${fitting} PARENT_SCOPE)
      set(${fitting_stride} ${candidate} PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

# For a message: the keys of the last layer, which the caller's variables describe, that would end the decoder in the input's shape. Empty
# where an earlier layer must change.
function(castnet_mend_last_layer input result)
  string(REGEX MATCHALL "[0-9]+" wanted "${input}")
  list(POP_FRONT wanted wanted_height wanted_width wanted_channels)
  set(keys "")
  if(NOT channels EQUAL wanted_channels)
    string(APPEND keys " filters=${wanted_channels}")
  endif()
  if(NOT height EQUAL wanted_height OR NOT width EQUAL wanted_width)
    set(in small)
    if(layer_kind STREQUAL "conv2d")
      set(in large)
    endif()
    castnet_fit_extent(${layer_kind} ${${in}_height} ${layer_stride_y} ${wanted_height} kernel_height stride_y)
    castnet_fit_extent(${layer_kind} ${${in}_width} ${layer_stride_x} ${wanted_width} kernel_width stride_x)
    if(kernel_height STREQUAL "" OR kernel_width STREQUAL "")
      set(${result} "" PARENT_SCOPE)
      return()
    endif()
    string(APPEND keys " kernel=${kernel_height}x${kernel_width}")
    if(NOT "${stride_y}x${stride_x}" STREQUAL "${layer_stride_y}x${layer_stride_x}")
      string(APPEND keys " stride=${stride_y}x${stride_x}")
    endif()
    if(NOT layer_padding STREQUAL "valid")
      string(APPEND keys " padding=valid")
    endif()
  endif()
  set(${result} "; in this layer${keys} would do it" PARENT_SCOPE)
endfunction()

# One pipeline of a network, as a static library that the network links.
function(castnet_add_pipeline network pipeline generator)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "AUTOSCHEDULER" "PARAMS")
  set(autoscheduler "")
  if(arg_AUTOSCHEDULER)
    set(autoscheduler AUTOSCHEDULER Halide::${arg_AUTOSCHEDULER})
  endif()
  add_halide_library(${network}_${pipeline} FROM castnet_generator GENERATOR ${generator} PARAMS ${arg_PARAMS} ${autoscheduler}
                     USE_RUNTIME castnet_halide_runtime)
  target_link_libraries(${network} PRIVATE ${network}_${pipeline})
  set_property(TARGET ${network} APPEND PROPERTY CASTNET_PIPELINES ${network}_${pipeline})
endfunction()

# A pipeline whose schedule may be tuned: the three contractions.
function(castnet_add_contraction network layer pass generator)
  foreach(parameter IN LISTS ARGN)
    string(REGEX REPLACE "=.*" "" name "${parameter}")
    string(REGEX REPLACE "^[^=]*=" "" ${name} "${parameter}")
  endforeach()
  set(key "${generator} large=${large_height}x${large_width}x${large_channels} small=${small_height}x${small_width}x${small_channels}")
  string(APPEND key " kernel=${kernel_height}x${kernel_width} stride=${stride_y}x${stride_x} pad=${pad_y}x${pad_x}")
  foreach(parameter IN LISTS ARGN)
    if(parameter MATCHES "^(pass|activation|output_grid|decays)=")
      string(APPEND key " ${parameter}")
    endif()
  endforeach()
  castnet_schedule_of("${key}" schedule)
  set(autoscheduler "")
  if(schedule MATCHES "autoscheduler=([A-Za-z0-9]+)")
    set(autoscheduler AUTOSCHEDULER ${CMAKE_MATCH_1})
    list(REMOVE_ITEM schedule "autoscheduler=${CMAKE_MATCH_1}")
  endif()
  castnet_add_pipeline(${network} ${layer}_${pass} ${generator} PARAMS ${ARGN} ${schedule} ${autoscheduler})

  list(JOIN ARGN "\", \"" parameters)
  set_property(TARGET ${network} APPEND PROPERTY CASTNET_CONTRACTIONS
    "{\"layer\": \"${layer}\", \"pass\": \"${pass}\", \"generator\": \"${generator}\", \"key\": \"${key}\", \"parameters\": [\"${parameters}\"]}")
  set_property(TARGET ${network} APPEND PROPERTY CASTNET_CONTRACTION_NAMES "${layer}-${pass}")
endfunction()

# All pipelines of the layer that castnet_infer_extent and castnet_parse_layer have described in the caller's variables. Each is set in
# the caller as pipeline_PASS: its function, or nullptr where the layer has none.
macro(castnet_add_layer_pipelines network previous_activation is_first)
  set(geometry
      large_width=${large_width} large_height=${large_height} large_channels=${large_channels}
      small_width=${small_width} small_height=${small_height} small_channels=${small_channels}
      kernel_width=${layer_kernel_width} kernel_height=${layer_kernel_height}
      stride_x=${layer_stride_x} stride_y=${layer_stride_y} pad_x=${pad_width} pad_y=${pad_height})
  if(layer_kind STREQUAL "conv2d")
    set(forward correlate)
    set(backward_data spread)
    set(output_grid small)
  else()
    set(forward spread)
    set(backward_data correlate)
    set(output_grid large)
  endif()
  set(decays false)
  if(layer_l2 GREATER 0)
    set(decays true)
  endif()

  set(passes forward backward_weights)
  castnet_add_contraction(${network} ${layer_name} forward ${forward} ${geometry} pass=forward activation=${layer_activation})
  castnet_add_contraction(${network} ${layer_name} backward_weights kernel_gradient ${geometry} output_grid=${output_grid} decays=${decays})
  if(NOT ${is_first})
    list(APPEND passes backward_data)
    castnet_add_contraction(${network} ${layer_name} backward_data ${backward_data} ${geometry} pass=backward_data activation=${previous_activation})
  endif()
  if(layer_kind STREQUAL "conv2d_transpose" OR NOT ${is_first})
    list(APPEND passes transpose_kernel)
    castnet_add_pipeline(${network} ${layer_name}_transpose_kernel transpose_kernel PARAMS ${geometry})
  endif()
  foreach(pass IN ITEMS forward backward_data backward_weights transpose_kernel)
    set(pipeline_${pass} nullptr)
  endforeach()
  foreach(pass IN LISTS passes)
    set(pipeline_${pass} ${network}_${layer_name}_${pass}_argv)
    string(APPEND header_declarations "int ${pipeline_${pass}}(void **arguments);\n")
  endforeach()
endmacro()

# castnet_add_network(NAME INPUT HxWxC ENCODER "LAYER"… DECODER "LAYER"…)
#
# Makes the static library NAME with the header NAME.h, which describes the network as constexpr data in namespace NAME.
function(castnet_add_network network)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "INPUT;ENCODER;DECODER")
  set(where "network ${network}")
  castnet_check_network_name("${where}" "${network}")
  if(DEFINED arg_UNPARSED_ARGUMENTS)
    castnet_error("${where}: there is no '${arg_UNPARSED_ARGUMENTS}'; write INPUT HxWxC ENCODER \"LAYER\"… DECODER \"LAYER\"…")
  elseif(NOT arg_INPUT MATCHES "^([1-9][0-9]?[0-9]?[0-9]?)x([1-9][0-9]?[0-9]?[0-9]?)x([1-9][0-9]?[0-9]?[0-9]?)$")
    castnet_error("${where}: INPUT '${arg_INPUT}' is not a shape; write INPUT 28x28x1, say (rows x columns x channels)")
  endif()
  set(height ${CMAKE_MATCH_1})
  set(width ${CMAKE_MATCH_2})
  set(channels ${CMAKE_MATCH_3})
  castnet_check_size("${where}" input ${height} ${width} ${channels})
  foreach(part IN ITEMS ENCODER DECODER)
    if("${arg_${part}}" STREQUAL "")
      castnet_error("${where}: ${part} has no layers; give at least one, as \"conv2d filters=32 kernel=3\"")
    endif()
  endforeach()

  file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/${network}.empty.cpp" CONTENT "// The network is its pipelines.\n")
  add_library(${network} STATIC "${CMAKE_CURRENT_BINARY_DIR}/${network}.empty.cpp")
  set_target_properties(${network} PROPERTIES POSITION_INDEPENDENT_CODE ON) # as all that it links: it goes into shared libraries too
  set_property(GLOBAL APPEND PROPERTY CASTNET_NETWORKS ${network})

  set(number 0)
  set(names "")
  set(is_first TRUE)
  set(previous_activation linear)
  set(header_declarations "")
  set(header_layers "")
  list(LENGTH arg_ENCODER encoder_layers)
  foreach(text IN LISTS arg_ENCODER arg_DECODER)
    math(EXPR number "${number} + 1")
    set(where "network ${network}, layer ${number} (${text})")
    castnet_parse_layer("${where}" "${text}")
    castnet_infer_extent("${where}" ${layer_kind} ${layer_padding} ${height} ${layer_kernel_height} ${layer_stride_y} height)
    castnet_infer_extent("${where}" ${layer_kind} ${layer_padding} ${width} ${layer_kernel_width} ${layer_stride_x} width)
    if(layer_kind STREQUAL "conv2d")
      set(large_channels ${channels})
      set(small_channels ${layer_filters})
    else()
      set(large_channels ${layer_filters})
      set(small_channels ${channels})
    endif()
    castnet_check_size("${where}" kernel ${layer_kernel_height} ${layer_kernel_width} ${large_channels} ${small_channels})
    castnet_check_size("${where}" output ${out_height} ${out_width} ${layer_filters})
    if(layer_name STREQUAL "")
      set(layer_name ${layer_kind})
      if(DEFINED count_${layer_kind})
        string(APPEND layer_name "_${count_${layer_kind}}")
      else()
        set(count_${layer_kind} 0)
      endif()
      math(EXPR count_${layer_kind} "${count_${layer_kind}} + 1")
    endif()
    if(layer_name IN_LIST names)
      castnet_error("${where}: the name ${layer_name} is taken; give the layer another with name=")
    endif()
    list(APPEND names ${layer_name})

    castnet_add_layer_pipelines(${network} ${previous_activation} ${is_first})

    string(
      APPEND header_layers
      "    {.name = \"${layer_name}\",\n"
      "     .text = \"${text}\",\n"
      "     .kind = castnet::LayerKind::${layer_kind},\n"
      "     .input = {${height}, ${width}, ${channels}},\n"
      "     .output = {${out_height}, ${out_width}, ${layer_filters}},\n"
      "     .kernel_height = ${layer_kernel_height},\n"
      "     .kernel_width = ${layer_kernel_width},\n"
      "     .stride_y = ${layer_stride_y},\n"
      "     .stride_x = ${layer_stride_x},\n"
      "     .pad_y = ${pad_height},\n"
      "     .pad_x = ${pad_width},\n"
      "     .activation = \"${layer_activation}\",\n"
      "     .l2 = ${layer_l2},\n"
      "     .forward = ${pipeline_forward},\n"
      "     .backward_data = ${pipeline_backward_data},\n"
      "     .backward_weights = ${pipeline_backward_weights},\n"
      "     .transpose_kernel = ${pipeline_transpose_kernel}},\n")

    set(height ${out_height})
    set(width ${out_width})
    set(channels ${layer_filters})
    set(previous_activation ${layer_activation})
    set(is_first FALSE)
  endforeach()
  if(NOT "${height}x${width}x${channels}" STREQUAL arg_INPUT)
    castnet_mend_last_layer("${arg_INPUT}" mend)
    castnet_error("${where}: the decoder ends in ${height}x${width}x${channels}; it must end in the input's shape, ${arg_INPUT}${mend}")
  endif()

  math(EXPR pixels "${height} * ${width}")
  castnet_add_pipeline(${network} squared_error squared_error PARAMS pixels=${pixels} channels=${channels} activation=${previous_activation})
  string(APPEND header_declarations "int ${network}_squared_error_argv(void **arguments);\n")
  set(header_directory "${CMAKE_CURRENT_BINARY_DIR}/${network}.include")
  configure_file("${CASTNET_SOURCE_DIR}/cmake/network.h.in" "${header_directory}/${network}.h" @ONLY)
  target_include_directories(${network} PUBLIC "${header_directory}")
  target_link_libraries(${network} PUBLIC castnet_runtime)
  castnet_add_memory_report(${network})
  castnet_add_autotuning(${network})
endfunction()

# The build says what the network needs: a program that is compiled for it alone prints a line.
function(castnet_add_memory_report network)
  if(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    return()
  endif()
  add_executable(${network}_memory EXCLUDE_FROM_ALL "${CASTNET_SOURCE_DIR}/cmake/memory.cpp")
  set_target_properties(${network}_memory PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}")
  target_compile_definitions(${network}_memory PRIVATE CASTNET_NETWORK=${network} CASTNET_NETWORK_HEADER="${network}.h")
  target_include_directories(${network}_memory PRIVATE "${header_directory}")
  # The pipelines too, which the description refers to, but not the network, which depends on this.
  get_property(pipelines TARGET ${network} PROPERTY CASTNET_PIPELINES)
  target_link_libraries(${network}_memory PRIVATE $<COMPILE_ONLY:castnet_runtime> ${pipelines} castnet_adam castnet_squared_norm castnet_sum_shards)
  set(report "${CMAKE_CURRENT_BINARY_DIR}/${network}.memory.txt")
  add_custom_command(OUTPUT "${report}" COMMAND ${network}_memory "${report}" DEPENDS ${network}_memory VERBATIM
                     COMMENT "Memory of ${network}")
  target_sources(${network} PRIVATE "${report}")
endfunction()

# castnet_add_programs(NAME [CLASSES 1,5,6]): the programs train-NAME and explore-NAME; train and explore for the default network,
# mnist_cae. CLASSES are the labels they use where none are asked for; without it, all.
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
    castnet_error("castnet_add_programs(${network}): there is no such network; call castnet_add_network(${network} …) first")
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
    target_link_libraries(${target} PRIVATE ${network} castnet_programs)
    set_property(GLOBAL APPEND PROPERTY CASTNET_PROGRAMS ${target})
  endforeach()
endfunction()

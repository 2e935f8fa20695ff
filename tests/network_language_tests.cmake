# Runs castnet_add_network() on mistakes, each in a CMake of its own, and compares the line it stops with.
set(failures 0)

# The case must stop with exactly the line `error: EXPECTED`, or pass when EXPECTED is empty.
function(check case expected)
  execute_process(
    COMMAND ${CMAKE_COMMAND} "-DCASTNET_SOURCE_DIR=${CASTNET_SOURCE_DIR}" "-DSCRATCH=${CMAKE_CURRENT_BINARY_DIR}/network_language" "-DCASE=${case}" -P
            "${CMAKE_CURRENT_LIST_DIR}/network_language_case.cmake"
    RESULT_VARIABLE status
    OUTPUT_QUIET
    ERROR_VARIABLE output)
  string(REGEX MATCH "error: [^\n]*" line "${output}")
  if(expected STREQUAL "")
    set(want "")
  else()
    set(want "error: ${expected}")
  endif()
  if(NOT line STREQUAL want OR output MATCHES "CMake Warning" OR (want AND status EQUAL 0) OR (NOT want AND NOT status EQUAL 0))
    message("case:     ${case}\nexpected: ${want}\ngot:      ${line}\noutput:   ${output}\n")
    math(EXPR failures "${failures} + 1")
    set(failures ${failures} PARENT_SCOPE)
  endif()
endfunction()

# A network n whose only encoder layer is the given one.
function(check_layer layer expected)
  check("castnet_add_network(n INPUT 28x28x1 ENCODER \"${layer}\" DECODER \"conv2d filters=1 kernel=1\")"
        "network n, layer 1 (${layer}): ${expected}")
endfunction()


check("castnet_add_network(n INPUT 28x28x1 ENCODER \"conv2d filters=4 kernel=3 padding=same\" DECODER \"conv2d_transpose filters=1 kernel=1x3 padding=same activation=softmax l2=0.5 name=last\")" "")
check_layer("dense filters=3 kernel=3" "there is no layer 'dense'; the layers are conv2d and conv2d_transpose")
check_layer("conv2d filters=3 kernel=3 size=4" "there is no key 'size'; the keys are filters, kernel, stride, padding, activation, l2, name")
check_layer("conv2d filters=4 kernel=3 groups=2" "there is no key 'groups'; the keys are filters, kernel, stride, padding, activation, l2, name")
check_layer("conv2d filters=3 kernel=3 dilation=2" "there is no key 'dilation'; the keys are filters, kernel, stride, padding, activation, l2, name")
check_layer("conv2d filters=3 kernel=3 big" "'big' is not key=value; the keys are filters, kernel, stride, padding, activation, l2, name")
check_layer("conv2d filters=3 kernel=3 kernel=5" "kernel is given twice; give it once")
check_layer("conv2d kernel=3" "filters is missing; add filters=3, say")
check_layer("conv2d filters=3" "kernel is missing; add kernel=3, say")
check_layer("conv2d filters=0 kernel=3" "filters=0 is not a number of channels; write filters=32, say (1 to 9999)")
check_layer("conv2d filters=3 kernel=3x" "kernel=3x is not a size; write kernel=3, or kernel=3x5 for 3 rows by 5 columns (1 to 9999)")
check_layer("conv2d filters=3 kernel=3 stride=0" "stride=0 is not a size; write stride=3, or stride=3x5 for 3 rows by 5 columns (1 to 9999)")
check_layer("conv2d filters=3 kernel=3 padding=full" "there is no padding 'full'; it is same or valid")
check_layer("conv2d filters=3 kernel=3 activation=gelu" "there is no activation 'gelu'; it is linear, relu, sigmoid, tanh or softmax")
check_layer("conv2d filters=3 kernel=3 l2=-1" "l2=-1 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)")
check_layer("conv2d filters=3 kernel=3 name=A" "name=A is not a name; use small letters, digits and _, a letter first, 64 at most")
check_layer("conv2d filters=3 kernel=29" "the kernel's height 29 is larger than the input's 28; with padding=valid it may be at most 28")
check_layer("conv2d filters=3 kernel=3x29" "the kernel's width 29 is larger than the input's 28; with padding=valid it may be at most 28")
check_layer("conv2d filters=3 kernel=3 l2=010" "l2=010 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)")
check_layer("conv2d filters=3 kernel=3 l2=1e999" "l2=1e999 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)")
check_layer("conv2d filters=3 kernel=3 l2=1e-99" "l2=1e-99 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)")
check_layer("conv2d filters=3 kernel=3 name=best" "the name best is taken by what checkpoints hold; choose another")
string(REPEAT a 65 castnet_long_name)
check_layer("conv2d filters=3 kernel=3 name=${castnet_long_name}"
            "name=${castnet_long_name} is not a name; use small letters, digits and _, a letter first, 64 at most")
check_layer("conv2d_transpose filters=3 kernel=3 stride=999" "the output's height would be 27972; it may be at most 9999")
check_layer("conv2d filters=9999 kernel=9999x999 padding=same"
            "the kernel would have 99880020999 elements; it may have at most 2147483647")
check_layer("conv2d_transpose filters=9999 kernel=300 stride=300 padding=same"
            "the output would have 705529440000 elements; it may have at most 2147483647")
# What would break the C++ string, CMake's lists, or the line.
foreach(castnet_text IN ITEMS "filters='3'" "filters=3\\" "kernel=[[3]]" "a\;b" "é" "\$<1:x>" "#")
  check("castnet_add_network(n INPUT 8x8x1 ENCODER [=[conv2d ${castnet_text}]=] DECODER a)"
        "network n, layer 1 (conv2d ${castnet_text}): a layer is written in letters, digits, spaces and _ = . + - alone")
endforeach()
check("castnet_add_network(n INPUT 8x8x1 ENCODER \"conv2d filters=3\n\tkernel=3\" DECODER a)"
      "network n, layer 1 (conv2d filters=3  kernel=3): a layer is written in letters, digits, spaces and _ = . + - alone")
# What CMake takes for false is a name, or an argument, like others.
foreach(castnet_name IN ITEMS n no off ignore notfound)
  check("castnet_add_network(${castnet_name} INPUT 8x8x1 ENCODER \"conv2d filters=1 kernel=1 name=${castnet_name}\" DECODER \"conv2d filters=1 kernel=1 name=${castnet_name}\")"
        "network ${castnet_name}, layer 2 (conv2d filters=1 kernel=1 name=${castnet_name}): the name ${castnet_name} is taken; give the layer another with name=")
endforeach()
check("castnet_add_network(n OFF INPUT 8x8x1)" "network n: there is no 'OFF'; write INPUT HxWxC ENCODER \"LAYER\"… DECODER \"LAYER\"…")
check("castnet_add_programs(n OFF)" "castnet_add_programs(n): there is no 'OFF'; write CLASSES 1,5,6, say, or nothing")
check("castnet_add_network(n INPUT 8x8x1 ENCODER OFF DECODER OFF)"
      "network n, layer 1 (OFF): there is no layer 'OFF'; the layers are conv2d and conv2d_transpose")
foreach(castnet_name IN ITEMS test class)
  check("castnet_add_network(${castnet_name} INPUT 8x8x1)" "network ${castnet_name}: the name is taken; choose another")
endforeach()
check("castnet_add_network(${castnet_long_name} INPUT 8x8x1)"
      "network ${castnet_long_name}: not a name; use small letters, digits and _, a letter first, 64 at most")
check("castnet_add_network(n INPUT ENCODER)" "network n: INPUT '' is not a shape; write INPUT 28x28x1, say (rows x columns x channels)")
check("castnet_add_network(n INPUT 8x8x1 INPUT 9x9x1)" "network n: INPUT '8x8x1;9x9x1' is not a shape; write INPUT 28x28x1, say (rows x columns x channels)")
check("castnet_add_network(n INPUT 9999x9999x99)" "network n: the input would have 9898020099 elements; it may have at most 2147483647")
check("castnet_add_network(n INPUT 28x28 ENCODER \"conv2d filters=1 kernel=1\" DECODER \"conv2d filters=1 kernel=1\")"
      "network n: INPUT '28x28' is not a shape; write INPUT 28x28x1, say (rows x columns x channels)")
check("castnet_add_network(N INPUT 28x28x1)" "network N: not a name; use small letters, digits and _, a letter first, 64 at most")
check("castnet_add_network(n INPUT 28x28x1 ENCODER \"conv2d filters=1 kernel=1\")"
      "network n: DECODER has no layers; give at least one, as \"conv2d filters=32 kernel=3\"")
check("castnet_add_network(n INPUT 28x28x1 ENCODER \"conv2d filters=1 kernel=3\" DECODER \"conv2d filters=1 kernel=1\")"
      "network n, layer 2 (conv2d filters=1 kernel=1): the decoder ends in 26x26x1; it must end in the input's shape, 28x28x1")
# Decoders that miss the input's shape: the line says what they reached, and keys of the last layer with which they would not.
function(check_miss input encoder decoder reached keys)
  list(JOIN encoder "\" \"" encoder_words)
  list(JOIN decoder "\" \"" decoder_words)
  list(LENGTH encoder encoder_layers)
  list(LENGTH decoder decoder_layers)
  math(EXPR number "${encoder_layers} + ${decoder_layers}")
  list(POP_BACK decoder last)
  check("castnet_add_network(n INPUT ${input} ENCODER \"${encoder_words}\" DECODER \"${decoder_words}\")"
        "network n, layer ${number} (${last}): the decoder ends in ${reached}; it must end in the input's shape, ${input}; in this layer ${keys} would do it")
  separate_arguments(words UNIX_COMMAND "${keys}")
  foreach(word IN LISTS words)
    string(REGEX REPLACE "=.*" "" key "${word}")
    string(REGEX REPLACE " ${key}=[^ ]*" "" last "${last}")
    string(APPEND last " ${word}")
  endforeach()
  list(APPEND decoder "${last}")
  list(JOIN decoder "\" \"" decoder_words)
  check("castnet_add_network(n INPUT ${input} ENCODER \"${encoder_words}\" DECODER \"${decoder_words}\")" "")
  set(failures ${failures} PARENT_SCOPE)
endfunction()
set(castnet_half "conv2d filters=1 kernel=3 stride=2 padding=same")
set(castnet_double "conv2d_transpose filters=1 kernel=3 stride=2 padding=same")
check_miss(25x25x1 "${castnet_half};${castnet_half};${castnet_half};${castnet_half}"
           "${castnet_double};${castnet_double};${castnet_double};${castnet_double}" 32x32x1 "kernel=10x10 stride=1x1 padding=valid")
check_miss(74x74x1 "conv2d filters=4 kernel=3 stride=2" "conv2d_transpose filters=1 kernel=3 stride=2" 73x73x1 "kernel=4x4")
check_miss(1x74x1 "conv2d filters=4 kernel=1x3 stride=1x2" "conv2d_transpose filters=3 kernel=1x3 stride=1x2" 1x73x3 "filters=1 kernel=1x4")
check_miss(250x250x3 "conv2d filters=4 kernel=11 stride=3" "conv2d_transpose filters=3 kernel=11 stride=3" 248x248x3 "kernel=13x13")
check_miss(8x9x1 "conv2d filters=4 kernel=3 padding=same" "conv2d_transpose filters=4 kernel=3;conv2d filters=1 kernel=2 stride=2" 5x5x1
           "kernel=3x3 stride=1x1")
check_miss(8x8x1 "conv2d filters=4 kernel=3 padding=same" "conv2d_transpose filters=3 kernel=3 padding=same" 8x8x3 "filters=1")
check("castnet_add_network(n INPUT 8x8x1 ENCODER \"conv2d filters=1 kernel=1 name=a\" DECODER \"conv2d filters=1 kernel=1 name=a\")"
      "network n, layer 2 (conv2d filters=1 kernel=1 name=a): the name a is taken; give the layer another with name=")
check("castnet_add_programs(missing)" "castnet_add_programs(missing): there is no such network; call castnet_add_network(missing …) first")
check("castnet_add_programs(n ALL)" "castnet_add_programs(n): there is no 'ALL'; write CLASSES 1,5,6, say, or nothing")
check("castnet_add_programs(n CLASSES 1 5 6)" "castnet_add_programs(n): CLASSES '1;5;6' are not labels; write CLASSES 1,5,6, say, or all")
check("castnet_add_programs(n CLASSES one)" "castnet_add_programs(n): CLASSES 'one' are not labels; write CLASSES 1,5,6, say, or all")
check("castnet_add_programs(n CLASSES)" "castnet_add_programs(n): CLASSES '' are not labels; write CLASSES 1,5,6, say, or all")
check("castnet_add_programs(n CLASSES -1,10)" "castnet_add_programs(n): there is no such network; call castnet_add_network(n …) first")

# What ONNX and Keras publish and Castnet does not have (conformance/published.py): `refused | SOURCE | COUNT | LAYER | MESSAGE`.
file(STRINGS "${CASTNET_SOURCE_DIR}/tests/conformance/published.txt" refused_lines REGEX "^refused ")
foreach(line IN LISTS refused_lines)
  string(REGEX MATCH "^refused \\| [^|]* \\| [0-9]+ \\| ([^|]*) \\| ([^|]*)$" matched "${line}")
  check_layer("${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
endforeach()
list(LENGTH refused_lines refused_count)
if(refused_count EQUAL 0)
  message(FATAL_ERROR "published.txt has no refused cases")
endif()

if(failures GREATER 0)
  message(FATAL_ERROR "${failures} cases failed")
endif()

# The targets page-NETWORK make a folder of static files in build/page: a page that trains the network in a browser. clang compiles the
# runtime for WebAssembly, with Debian's libc and libc++ for it.

find_program(CASTNET_WASM_COMPILER clang++-19 DOC "clang++ for WebAssembly")

# What the module gives to JavaScript (train/page/network.js).
set(castnet_page_functions allocate release description error_message begin train_on_bytes train_on_floats step epochs_done images_done
  epoch_loss encode decode load save draw state_size save_state load_state)

# Links a source with the runtime and the library libNETWORK.a in `folder`. Further arguments are clang's options.
function(castnet_link_wasm output folder network source)
  get_target_property(runtime castnet_runtime SOURCES)
  list(TRANSFORM runtime PREPEND "${CASTNET_SOURCE_DIR}/runtime/")
  file(GLOB headers CONFIGURE_DEPENDS "${CASTNET_SOURCE_DIR}/runtime/*.h")
  # clang has no _Float16 for WebAssembly, which Halide's header expects. The stack holds what Autoencoder needs at most.
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CASTNET_WASM_COMPILER} --target=wasm32-wasi -std=c++20 -O3 -msimd128 -fno-exceptions -fno-rtti -D_Float16=__fp16
            "-I${folder}" "-I${CASTNET_SOURCE_DIR}" -isystem "$<JOIN:$<TARGET_PROPERTY:castnet_halide,INTERFACE_INCLUDE_DIRECTORIES>,;-isystem;>"
            ${ARGN} "${source}" ${runtime} "${folder}/lib${network}.a" -Wl,--gc-sections,--strip-all,--stack-first,-z,stack-size=4194304
            -o "${output}"
    DEPENDS "${source}" ${runtime} ${headers} "${folder}/lib${network}.a" COMMAND_EXPAND_LISTS VERBATIM COMMENT "Linking ${output}")
endfunction()

function(castnet_add_page network file)
  set(page page-${network})
  if(NOT CASTNET_WASM_COMPILER)
    add_custom_target(${page} COMMAND ${CMAKE_COMMAND} -E echo "error: clang++-19 is missing, which compiles for WebAssembly; run sh cmake/bootstrap.sh page"
      COMMAND ${CMAKE_COMMAND} -E false)
    return()
  endif()
  # Pipelines without checks of their operands: the runtime makes these of fixed shapes.
  set(library "${CMAKE_CURRENT_BINARY_DIR}/${network}.page")
  castnet_compile(${network} "${file}" "${library}" wasm-32-wasmrt-no_asserts-no_bounds_query-wasm_simd128)
  list(TRANSFORM castnet_page_functions PREPEND "-Wl,--export=" OUTPUT_VARIABLE exports)
  castnet_link_wasm("${library}/network.wasm" "${library}" ${network} "${CASTNET_SOURCE_DIR}/train/page/module.cpp" -mexec-model=reactor ${exports}
    -DCASTNET_NETWORK=${network} "-DCASTNET_NETWORK_HEADER=\"${network}.h\"")
  set(sources "${CASTNET_SOURCE_DIR}/train/page")
  file(GLOB files CONFIGURE_DEPENDS "${sources}/*.html" "${sources}/*.css" "${sources}/*.js")
  set(folder "${CMAKE_BINARY_DIR}/page/${network}")
  add_custom_command(OUTPUT "${folder}/network.wasm"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${folder}"
    COMMAND ${CMAKE_COMMAND} -E copy ${files} "${library}/network.wasm" "${folder}"
    DEPENDS ${files} "${library}/network.wasm" VERBATIM)
  add_custom_target(${page} DEPENDS "${folder}/network.wasm")
endfunction()

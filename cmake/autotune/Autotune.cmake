# The targets autotune-NETWORK and autotune-NETWORK-LAYER-PASS, and autotune for the default network: they search for faster schedules on
# this machine and keep them in the file that castnet_read_schedules() reads.

set(AUTOTUNE_BUDGET 20 CACHE STRING "Seconds that the autotuner searches for a pipeline's schedule; the environment may say otherwise")

# The one that bootstrap.sh has given Optuna to.
find_program(CASTNET_PYTHON python HINTS "${CASTNET_SOURCE_DIR}/build/venv/bin" NO_DEFAULT_PATH NO_CACHE)
if(NOT CASTNET_PYTHON)
  find_program(CASTNET_PYTHON python3 NO_CACHE)
endif()

function(castnet_add_autotuning network)
  get_property(contractions TARGET ${network} PROPERTY CASTNET_CONTRACTIONS)
  get_property(names TARGET ${network} PROPERTY CASTNET_CONTRACTION_NAMES)
  get_property(schedules GLOBAL PROPERTY CASTNET_SCHEDULES_FILE)
  list(JOIN contractions ",\n  " contractions)
  set(description "${CMAKE_CURRENT_BINARY_DIR}/${network}.pipelines.json")
  file(CONFIGURE OUTPUT "${description}" CONTENT "[\n  @contractions@\n]\n" @ONLY)

  set(command
      ${CASTNET_PYTHON} "${CASTNET_SOURCE_DIR}/cmake/autotune/autotune.py" ${network} "${description}"
      --generator $<TARGET_FILE:castnet_generator> --space $<TARGET_FILE:castnet_space> --measure $<TARGET_FILE:castnet_measure>
      --plugins $<TARGET_FILE_DIR:Halide::Adams2019> --compiler ${CMAKE_CXX_COMPILER} --halide ${Halide_VERSION}
      --schedules "${schedules}" --folder "${CMAKE_BINARY_DIR}/autotune" --budget ${AUTOTUNE_BUDGET})
  set(target autotune-${network})
  if(network STREQUAL "mnist_cae")
    add_custom_target(autotune DEPENDS ${target})
  endif()
  add_custom_target(${target} COMMAND ${command} USES_TERMINAL VERBATIM COMMENT "Autotuning ${network}")
  add_dependencies(${target} castnet_generator castnet_space castnet_measure)
  foreach(name IN LISTS names)
    add_custom_target(${target}-${name} COMMAND ${command} --pipeline ${name} USES_TERMINAL VERBATIM COMMENT "Autotuning ${network}, ${name}")
    add_dependencies(${target}-${name} castnet_generator castnet_space castnet_measure)
  endforeach()
endfunction()

# The targets autotune-NETWORK, and autotune for the default network, search for faster schedules on this machine, for the networks' target;
# of several levels, for the greatest that this CPU has.
# They keep them in a table that the next build reads. AUTOTUNE_PIPELINES=conv2d_1-forward,… in the environment chooses some of the pipelines.

set(AUTOTUNE_BUDGET 20 CACHE STRING "Seconds that the autotuner searches per pipeline; the environment variable overrides")

# Prefers the Python that bootstrap.sh installed Optuna for.
find_program(CASTNET_PYTHON python HINTS "${CASTNET_SOURCE_DIR}/build/venv/bin" NO_DEFAULT_PATH NO_CACHE)
if(NOT CASTNET_PYTHON)
  find_program(CASTNET_PYTHON python3 NO_CACHE)
endif()

function(castnet_add_autotuning network file targets)
  if(NOT targets)
    set(targets host)
  endif()
  list(JOIN targets "," targets)
  set(schedules "${CASTNET_TABLES}")
  if(CASTNET_SCHEDULES AND NOT CASTNET_SCHEDULES STREQUAL "none")
    cmake_path(ABSOLUTE_PATH CASTNET_SCHEDULES BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE schedules)
  endif()
  set(target autotune-${network})
  add_custom_target(${target} USES_TERMINAL VERBATIM COMMENT "Autotuning ${network}"
    COMMAND ${CASTNET_PYTHON} "${CASTNET_SOURCE_DIR}/cmake/autotune/autotune.py" "${file}" --castnet $<TARGET_FILE:castnet>
            --generator $<TARGET_FILE:castnet_generator> --space $<TARGET_FILE:castnet_space> --measure $<TARGET_FILE:castnet_measure>
            --plugins "${CASTNET_PLUGINS}" --compiler ${CMAKE_CXX_COMPILER} --schedules "${schedules}" --target ${targets}
            --folder "${CMAKE_BINARY_DIR}/autotune" --budget ${AUTOTUNE_BUDGET})
  add_dependencies(${target} castnet castnet_generator castnet_space castnet_measure)
  if(network STREQUAL "mnist_cae")
    add_custom_target(autotune DEPENDS ${target})
  endif()
endfunction()

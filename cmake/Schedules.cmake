# Tuned schedules: generators/schedules/CPU.txt holds, for one kind of CPU, what the autotuner found to be faster than the schedules that
# the shapes choose by themselves. A line is
#
#   PIPELINE : GeneratorParams, or `default` : what was measured, Halide VERSION
#
# Changing a line rebuilds that pipeline and no other.

set(CASTNET_SCHEDULES "" CACHE STRING "A file of tuned schedules; empty: the one of this CPU in generators/schedules; none: none")

# The kind of CPU at hand, where it is known: vendor, family and model, and its vectors, which a hypervisor may hide.
function(castnet_cpu_kind result)
  set(kind "")
  if(EXISTS /proc/cpuinfo AND NOT CMAKE_CROSSCOMPILING)
    file(READ /proc/cpuinfo info LIMIT 16384)
    if(info MATCHES "vendor_id[\t ]*: ([^\n]*)\ncpu family[\t ]*: ([0-9]+)\nmodel[\t ]*: ([0-9]+)")
      set(kind "${CMAKE_MATCH_1}-${CMAKE_MATCH_2}-${CMAKE_MATCH_3}")
      string(REGEX REPLACE "^GenuineIntel" "intel" kind "${kind}")
      string(REGEX REPLACE "^AuthenticAMD" "amd" kind "${kind}")
      foreach(vectors IN ITEMS avx512f avx2 sse4_1)
        if(info MATCHES "\nflags[^\n]* ${vectors}[ \n]")
          string(REGEX REPLACE "avx512f" "avx512" vectors "${vectors}")
          string(APPEND kind "-${vectors}")
          break()
        endif()
      endforeach()
    elseif(info MATCHES "CPU implementer[\t ]*: ([0-9a-fx]+).*CPU part[\t ]*: ([0-9a-fx]+)")
      set(kind "arm-${CMAKE_MATCH_1}-${CMAKE_MATCH_2}")
    endif()
  endif()
  string(TOLOWER "${kind}" kind)
  set(${result} "${kind}" PARENT_SCOPE)
endfunction()

# Reads the file, so that castnet_schedule_of() knows it. Sets castnet_schedules_file: where the autotuner writes.
function(castnet_read_schedules)
  castnet_cpu_kind(cpu)
  set(file "${CASTNET_SOURCE_DIR}/generators/schedules/${cpu}.txt")
  if(cpu STREQUAL "")
    set(file "${CMAKE_BINARY_DIR}/autotune/schedules.txt") # a kind that cannot be named is this machine alone
  endif()
  if(NOT CASTNET_SCHEDULES STREQUAL "" AND NOT CASTNET_SCHEDULES STREQUAL "none")
    cmake_path(ABSOLUTE_PATH CASTNET_SCHEDULES BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE file)
    if(NOT EXISTS "${file}")
      message(WARNING "CASTNET_SCHEDULES: there is no file ${file} yet; the shapes choose until the target autotune has written it")
    endif()
  endif()
  cmake_path(NORMAL_PATH file)
  set(castnet_schedules_file "${file}" PARENT_SCOPE)

  cmake_path(GET file PARENT_PATH directory)
  file(GLOB present CONFIGURE_DEPENDS "${directory}/*.txt") # a file that appears or goes is noticed
  if(CASTNET_SCHEDULES STREQUAL "none" OR NOT EXISTS "${file}")
    return()
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" lines ENCODING UTF-8)
  set(count 0)
  set(others "")
  foreach(line IN LISTS lines)
    if(line MATCHES "^ *(#|$)")
      continue()
    elseif(NOT line MATCHES "^([a-z_]+ [^:]+) : ([^:]+) : ([^:]*)Halide ([0-9.]+)$")
      castnet_error("${file}: '${line}' is not a schedule; remove the line, or the file and run the target autotune")
    endif()
    set_property(GLOBAL PROPERTY "CASTNET_SCHEDULE ${CMAKE_MATCH_1}" "${CMAKE_MATCH_2}")
    math(EXPR count "${count} + 1")
    if(NOT CMAKE_MATCH_4 STREQUAL Halide_VERSION)
      list(APPEND others ${CMAKE_MATCH_4})
    endif()
  endforeach()
  message(STATUS "Castnet: ${count} tuned schedules from ${file}")
  if(others)
    list(LENGTH others other_count)
    list(REMOVE_DUPLICATES others)
    list(JOIN others ", " others)
    message(WARNING "${file}: ${other_count} schedules were tuned with Halide ${others}, and this is ${Halide_VERSION}; they are used, but "
                    "the target autotune may find better ones")
  endif()
endfunction()

# The tuned GeneratorParams of a pipeline as a list, empty where there are none.
function(castnet_schedule_of pipeline result)
  get_property(schedule GLOBAL PROPERTY "CASTNET_SCHEDULE ${pipeline}")
  if(schedule STREQUAL "default")
    set(schedule "")
  endif()
  separate_arguments(schedule UNIX_COMMAND "${schedule}")
  set(${result} "${schedule}" PARENT_SCOPE)
endfunction()

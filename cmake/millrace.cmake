# millrace_module(<folder> [DEPS folder...] [LIBS target...] SOURCES file... [TESTS file...])
#
# One folder of src/ as a static library `millrace_<folder>`, with the tests that stand beside its
# sources as one test program `<folder>_test`. DEPS are checked against src/LAYERS, so a wrong arrow
# fails the configure step. HEADER_ONLY makes an interface library.

file(STRINGS ${PROJECT_SOURCE_DIR}/src/LAYERS MILLRACE_LAYERS REGEX "^[0-9]+ ")
set_property(DIRECTORY ${PROJECT_SOURCE_DIR} APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS src/LAYERS)

function(millrace_check_layers folder)
  foreach(line IN LISTS MILLRACE_LAYERS)
    if(line MATCHES "^[0-9]+ ${folder}:(.*)$")
      separate_arguments(allowed UNIX_COMMAND "${CMAKE_MATCH_1}")
      foreach(dep IN LISTS ARGN)
        if(NOT dep IN_LIST allowed)
          message(FATAL_ERROR "src/LAYERS: ${folder} may not depend on ${dep}")
        endif()
      endforeach()
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "src/LAYERS does not name ${folder}")
endfunction()

add_library(millrace_flags INTERFACE)
target_compile_features(millrace_flags INTERFACE cxx_std_23)
target_compile_options(millrace_flags INTERFACE -Wall -Wextra -Wshadow -Wconversion -Werror -pthread)
if(CMAKE_UNITY_BUILD)
  # Between files that are compiled as one, names of one file's own shadow nothing.
  target_compile_options(millrace_flags INTERFACE -Wno-shadow)
endif()
target_include_directories(millrace_flags INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/generated)
find_package(Threads REQUIRED)
target_link_libraries(millrace_flags INTERFACE Threads::Threads)

function(millrace_module folder)
  cmake_parse_arguments(ARG "HEADER_ONLY" "" "DEPS;LIBS;SOURCES;TESTS" ${ARGN})
  millrace_check_layers(${folder} ${ARG_DEPS})
  string(REPLACE "/" "_" name ${folder})
  set(dep_targets ${ARG_DEPS})
  list(TRANSFORM dep_targets REPLACE "/" "_")
  list(TRANSFORM dep_targets PREPEND millrace_)
  if(ARG_HEADER_ONLY)
    add_library(millrace_${name} INTERFACE)
    target_link_libraries(millrace_${name} INTERFACE millrace_flags ${dep_targets} ${ARG_LIBS})
  else()
    add_library(millrace_${name} STATIC ${ARG_SOURCES})
    target_link_libraries(millrace_${name} PUBLIC millrace_flags ${dep_targets} ${ARG_LIBS})
  endif()
  set_property(GLOBAL APPEND PROPERTY MILLRACE_MODULES millrace_${name})
  if(ARG_TESTS AND MILLRACE_TESTS)
    millrace_test(${name}_test DEPS ${folder} SOURCES ${ARG_TESTS})
  endif()
endfunction()

# millrace_test(<name> [DEPS folder...] [LIBS target...] SOURCES file...): one GoogleTest program,
# known to ctest. The target `unit_tests` builds them all.
function(millrace_test name)
  cmake_parse_arguments(ARG "" "" "DEPS;LIBS;SOURCES" ${ARGN})
  set(dep_targets ${ARG_DEPS})
  list(TRANSFORM dep_targets REPLACE "/" "_")
  list(TRANSFORM dep_targets PREPEND millrace_)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${dep_targets} ${ARG_LIBS} GTest::gtest GTest::gtest_main)
  # GoogleTest takes longer to read than most tests; it is read once.
  if(NOT TARGET millrace_gtest_pch)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/gtest_pch.cc CONTENT "")
    # A program, because it has to be compiled as the tests are.
    add_executable(millrace_gtest_pch EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/generated/gtest_pch.cc)
    target_link_libraries(millrace_gtest_pch PRIVATE millrace_flags GTest::gtest GTest::gtest_main)
    target_precompile_headers(millrace_gtest_pch PRIVATE <gtest/gtest.h>)
  endif()
  target_precompile_headers(${name} REUSE_FROM millrace_gtest_pch)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12 forgets that what is precompiled is a system's header, and takes std::string's own
    # copying for overruns.
    target_compile_options(${name} PRIVATE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300)
  if(NOT TARGET unit_tests)
    add_custom_target(unit_tests)
  endif()
  add_dependencies(unit_tests ${name})
endfunction()

# millrace_headers_alone(): the target `headers_alone`, which compiles every header of src/ as the
# only line of a source file. Not part of `all`; tools/test.sh builds it. The one place that globs:
# a header that nobody listed is looked at too.
function(millrace_headers_alone)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/src/*.h)
  set(sources)
  foreach(header IN LISTS headers)
    set(source ${PROJECT_BINARY_DIR}/headers_alone/${header}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"  // IWYU pragma: keep\n")
    list(APPEND sources ${source})
  endforeach()
  get_property(modules GLOBAL PROPERTY MILLRACE_MODULES)
  add_library(headers_alone OBJECT EXCLUDE_FROM_ALL ${sources})
  target_compile_options(headers_alone PRIVATE -O0 -g0 -U_FORTIFY_SOURCE)
  target_link_libraries(headers_alone PRIVATE millrace_flags ${modules})
endfunction()

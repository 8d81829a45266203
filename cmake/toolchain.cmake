# What every target is compiled and linked with: ccache, sanitizers, section garbage collection,
# hardening. Warnings are in millrace.cmake: they are for our own targets only.

if(MILLRACE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(MILLRACE_CCACHE_PROGRAM ccache)
  if(MILLRACE_CCACHE_PROGRAM)
    set(CMAKE_C_COMPILER_LAUNCHER ${MILLRACE_CCACHE_PROGRAM})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${MILLRACE_CCACHE_PROGRAM})
  endif()
endif()

# Position-independent executables. Without the check CMake would compile with -fPIE and not link
# with -pie.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C CXX)

# Assertions print where they stand: relative to the project, wherever it was built.
add_compile_options(-fmacro-prefix-map=${PROJECT_SOURCE_DIR}/=)

add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections)

if(MILLRACE_SANITIZE)
  add_compile_options(-fsanitize=${MILLRACE_SANITIZE} -fno-omit-frame-pointer)
  add_compile_options(-fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MILLRACE_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # gcc 12 takes what the sanitizers put in between for ways around an initialisation.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

# Debug builds check the standard library's preconditions too; the release is hardened against what
# slips through.
add_compile_definitions($<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
add_compile_options("$<$<CONFIG:RelWithDebInfo>:-fstack-protector-strong;-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
add_link_options($<$<CONFIG:RelWithDebInfo>:LINKER:-z,relro,-z,now>)

# Warnings, hardening and sanitizers: one interface target that every target of ours links.
add_library(supervisor_flags INTERFACE)
target_include_directories(supervisor_flags INTERFACE
    ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
target_compile_definitions(supervisor_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64)
target_compile_options(supervisor_flags INTERFACE
    -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla
    -Wformat=2 -Wundef -Wimplicit-fallthrough -Wcast-qual)
target_link_libraries(supervisor_flags INTERFACE Threads::Threads)

if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    target_compile_options(supervisor_flags INTERFACE -Wthread-safety)
endif()
if(SUPERVISOR_WERROR)
    target_compile_options(supervisor_flags INTERFACE -Werror)
endif()

if(SUPERVISOR_SANITIZE)
    target_compile_options(supervisor_flags INTERFACE
        -fsanitize=${SUPERVISOR_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(supervisor_flags INTERFACE -fsanitize=${SUPERVISOR_SANITIZE})
elseif(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_definitions(supervisor_flags INTERFACE _FORTIFY_SOURCE=2)
    target_compile_options(supervisor_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection -fPIE)
    target_link_options(supervisor_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
if(SUPERVISOR_COVERAGE)
    # Threads count too: without atomics their counters go wrong, even below zero.
    target_compile_options(supervisor_flags INTERFACE --coverage -O0 -fprofile-update=atomic)
    target_link_options(supervisor_flags INTERFACE --coverage)
endif()

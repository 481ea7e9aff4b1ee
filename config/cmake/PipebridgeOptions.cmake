# Interface targets that our own targets link: nothing here is global.
#   pipebridge_warnings    the warnings that the code is silent under
#   pipebridge_sanitizers  what PIPEBRIDGE_SANITIZE names
#   pipebridge_hardening   the usual hardening of a distributed program
option(PIPEBRIDGE_WERROR "Treat warnings as errors" OFF)
set(PIPEBRIDGE_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined or thread)")
option(PIPEBRIDGE_HARDEN "Harden the program as distributions do" OFF)

add_library(pipebridge_warnings INTERFACE)
target_compile_options(pipebridge_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
  $<$<C_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${PIPEBRIDGE_WERROR}>:-Werror>)

add_library(pipebridge_sanitizers INTERFACE)
if(PIPEBRIDGE_SANITIZE)
  target_compile_options(pipebridge_sanitizers INTERFACE
    -fsanitize=${PIPEBRIDGE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(pipebridge_sanitizers INTERFACE -fsanitize=${PIPEBRIDGE_SANITIZE})
endif()

add_library(pipebridge_hardening INTERFACE)
if(PIPEBRIDGE_HARDEN)
  target_compile_options(pipebridge_hardening INTERFACE
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
    target_compile_options(pipebridge_hardening INTERFACE -fcf-protection)
  endif()
  target_link_options(pipebridge_hardening INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
endif()
# In more than one part gcc would want make, and without it warn at every link.
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_link_options(pipebridge_hardening INTERFACE -flto-partition=one)
  # Objects of both kinds: an installed archive is of use to other compilers, and the many programs of tests/
  # link what is compiled already, instead of optimising all of it once more each.
  target_compile_options(pipebridge_hardening INTERFACE -ffat-lto-objects)
endif()

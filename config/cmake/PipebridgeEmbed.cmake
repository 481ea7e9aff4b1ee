# pipebridge_embed(FILE SYMBOL OUT_SOURCE)
# Writes a C file that holds FILE's bytes as `const unsigned char SYMBOL[]` and its size as
# `const size_t SYMBOL_size`; made anew when FILE changes.
function(pipebridge_embed file symbol out_source)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT
"#include <stddef.h>
extern const unsigned char @symbol@[];
extern const size_t @symbol@_size;
const unsigned char @symbol@[] = {@bytes@};
const size_t @symbol@_size = sizeof @symbol@;
")
  set(${out_source} "${source}" PARENT_SCOPE)
endfunction()

# How our targets are made: one call each, so that all get the same language level and flags.
include(GNUInstallDirs)

function(pipebridge_configure_target target)
  target_compile_features(${target} PUBLIC c_std_17)
  set_target_properties(${target} PROPERTIES
    C_EXTENSIONS OFF
    POSITION_INDEPENDENT_CODE ON
    RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/bin")
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
  # A broken invariant of ours ends the program in every build, release too.
  target_compile_options(${target} PRIVATE -UNDEBUG)
  # Only for building it: who uses an installed library has flags of his own.
  target_link_libraries(${target} PRIVATE
    $<BUILD_INTERFACE:pipebridge_warnings>
    $<BUILD_INTERFACE:pipebridge_sanitizers>
    $<BUILD_INTERFACE:pipebridge_hardening>)
endfunction()

# pipebridge_add_library(NAME SOURCES ... HEADERS ... [PUBLIC targets] [PRIVATE targets])
# A library whose public headers stand in include/ and are each verified to compile alone.
function(pipebridge_add_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
  add_library(${name} STATIC ${arg_SOURCES})
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${arg_HEADERS})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  pipebridge_configure_target(${name})
endfunction()

# pipebridge_add_program(NAME SOURCES ... [LINK targets])
function(pipebridge_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINK})
  pipebridge_configure_target(${name})
endfunction()

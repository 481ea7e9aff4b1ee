# Targets that look at the code instead of running it, and the one that does both:
#   format  rewrites our C files in the tree's style
#   lint    config/lint.sh: style, clang-tidy, cppcheck, shell, Python, JSON, the dashboard's own checks
#   check   lint, then every test of this configuration
add_custom_target(format
  COMMAND bash -c "find pipecore web bridge tests -name '*.[ch]' -not -path '*/node_modules/*' -print0 | xargs -0 clang-format -i"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" COMMENT "Formatting" VERBATIM)

file(RELATIVE_PATH lint_folder "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
add_custom_target(lint
  COMMAND config/lint.sh "${lint_folder}"
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" COMMENT "Linting" USES_TERMINAL VERBATIM)

add_custom_target(check
  COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}"
  COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --target lint
  COMMAND "${CMAKE_CTEST_COMMAND}" --test-dir "${PROJECT_BINARY_DIR}" --output-on-failure -j2
  WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" USES_TERMINAL VERBATIM)

# Public headers compile alone, in every build.
add_custom_target(headers ALL)
add_dependencies(headers all_verify_interface_header_sets)

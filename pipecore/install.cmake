# The library as others get it: `cmake --install BUILD --component pipecore`. Static and shared come of the same
# objects; headers, a CMake package and a pkg-config file go with them.
include(CMakePackageConfigHelpers)

set_target_properties(pipecore PROPERTIES
  C_VISIBILITY_PRESET hidden # PC_DECLARATIONS_BEGIN shows what the headers declare
  EXPORT_NAME pipecore_static)
if(CMAKE_INTERPROCEDURAL_OPTIMIZATION AND NOT CMAKE_C_COMPILER_ID STREQUAL "GNU")
  # An archive of half-compiled code would be of use to the same compiler only; gcc's objects are of both kinds.
  set_target_properties(pipecore PROPERTIES INTERPROCEDURAL_OPTIMIZATION OFF)
endif()

add_library(pipecore_shared SHARED $<TARGET_OBJECTS:pipecore>)
target_link_libraries(pipecore_shared PRIVATE ${pipecore_system_libraries})
target_include_directories(pipecore_shared INTERFACE
  "$<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>")
pipebridge_configure_target(pipecore_shared)
# Before 1.0 a minor version may break what was linked against the one before.
set_target_properties(pipecore_shared PROPERTIES
  LINKER_LANGUAGE C
  OUTPUT_NAME pipecore
  EXPORT_NAME pipecore
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})

install(TARGETS pipecore pipecore_shared
  EXPORT pipecore
  LIBRARY COMPONENT pipecore
  ARCHIVE COMPONENT pipecore
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILE_SET HEADERS COMPONENT pipecore)

# What who links the static library needs beside it.
set(pipecore_requires_private)
if("PkgConfig::LIBURING" IN_LIST pipecore_system_libraries)
  set(pipecore_requires_private "liburing >= 2.3")
endif()

# ---- find_package(pipecore) ----
set(pipecore_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/pipecore")
install(EXPORT pipecore
  NAMESPACE pipecore::
  FILE pipecore-targets.cmake
  DESTINATION "${pipecore_package_folder}"
  COMPONENT pipecore)
configure_package_config_file(pipecore-config.cmake.in pipecore-config.cmake
  INSTALL_DESTINATION "${pipecore_package_folder}")
write_basic_package_version_file(pipecore-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
    "${CMAKE_CURRENT_BINARY_DIR}/pipecore-config.cmake"
    "${CMAKE_CURRENT_BINARY_DIR}/pipecore-config-version.cmake"
  DESTINATION "${pipecore_package_folder}"
  COMPONENT pipecore)

# ---- pkg-config ----
# Found from where the file lies, so that the prefix may be chosen when installing.
set(pipecore_pkgconfig_folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(pipecore_prefix "${CMAKE_INSTALL_PREFIX}")
  set(pipecore_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(pipecore_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH pipecore_up "/${pipecore_pkgconfig_folder}" "/")
  string(REGEX REPLACE "/$" "" pipecore_prefix "\${pcfiledir}/${pipecore_up}")
  set(pipecore_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(pipecore_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(pipecore.pc.in pipecore.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/pipecore.pc"
  DESTINATION "${pipecore_pkgconfig_folder}"
  COMPONENT pipecore)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE"
  DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/pipecore"
  COMPONENT pipecore)

# Installs what package-lock.json names into WORK, once, however many builds want it at the same time.
# -DNPM -DNODE -DSOURCE -DWORK -DSTAMP
file(MAKE_DIRECTORY "${WORK}")
file(LOCK "${WORK}/lock" GUARD PROCESS TIMEOUT 900)

execute_process(COMMAND "${NODE}" -p "process.platform + ' ' + process.arch + ' ' + process.version"
  OUTPUT_VARIABLE system OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(wanted "${system}")
foreach(name IN ITEMS package.json package-lock.json .npmrc)
  file(SHA256 "${SOURCE}/${name}" hash)
  string(APPEND wanted " ${hash}")
endforeach()

set(installed "")
if(EXISTS "${WORK}/installed" AND EXISTS "${WORK}/node_modules")
  file(READ "${WORK}/installed" installed)
endif()
if(NOT installed STREQUAL wanted)
  file(REMOVE "${WORK}/installed")
  foreach(name IN ITEMS package.json package-lock.json .npmrc)
    file(COPY_FILE "${SOURCE}/${name}" "${WORK}/${name}")
  endforeach()
  # Nothing that a package brings is run: esbuild, TypeScript and Biome come as ready programs.
  execute_process(
    COMMAND "${NPM}" ci --ignore-scripts --no-audit --no-fund --loglevel=error
    WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE failed OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(failed)
    message(FATAL_ERROR "Dashboard: \"npm ci\" failed in ${WORK}:\n${output}\n"
      "Without a network, configure with -DPIPEBRIDGE_DASHBOARD=OFF: the program works, its page says what is missing.")
  endif()
  file(WRITE "${WORK}/installed" "${wanted}")
endif()
file(TOUCH "${STAMP}")

# Makes of what was installed what Debian wants it to be. Run by cpack before it packs.
set(root "${CPACK_TEMPORARY_INSTALL_DIRECTORY}")
if(NOT EXISTS "${root}/usr/bin/shipit")
  message(FATAL_ERROR "shipit is not installed in '${root}'")
endif()

file(MAKE_DIRECTORY "${root}/etc/cron.d")
file(RENAME "${root}/usr/lib/shipit/cron" "${root}/etc/cron.d/shipit")
file(REMOVE_RECURSE "${root}/usr/lib/shipit")
# Completions for zsh have a place of their own for packages.
if(EXISTS "${root}/usr/share/zsh/site-functions")
  file(RENAME "${root}/usr/share/zsh/site-functions" "${root}/usr/share/zsh/vendor-completions")
endif()

set(documents "${root}/usr/share/doc/shipit")
file(MAKE_DIRECTORY "${documents}")
configure_file("${CMAKE_CURRENT_LIST_DIR}/copyright" "${documents}/copyright" COPYONLY)
configure_file("${CMAKE_CURRENT_LIST_DIR}/lintian-overrides"
  "${root}/usr/share/lintian/overrides/shipit" COPYONLY)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC) # or of SOURCE_DATE_EPOCH
file(WRITE "${documents}/changelog" "shipit (${CPACK_PACKAGE_VERSION}) stable; urgency=medium

  * Packed from its source by cpack.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")
file(GLOB pages "${root}/usr/share/man/man?/*")
execute_process(COMMAND gzip -9n "${documents}/changelog" ${pages} COMMAND_ERROR_IS_FATAL ANY)

file(GLOB_RECURSE files LIST_DIRECTORIES false "${root}/*")
foreach(file ${files})
  if(NOT file STREQUAL "${root}/usr/bin/shipit")
    file(CHMOD "${file}" PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  endif()
endforeach()

# The Debian package: `cpack -G DEB` in a build folder. What it has beside what is installed anyway, and
# in other places, is written by debian/files.cmake.
set(SHIPIT_MAINTAINER "The authors of shipit <shipit@example.org>"
  CACHE STRING "Who stands for the package: NAME <ADDRESS>")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME shipit)
set(CPACK_PACKAGE_CONTACT "${SHIPIT_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "releases and rollback for the programs of one Linux host")
set(CPACK_PACKAGE_INSTALL_DIRECTORY shipit)
# With DESTDIR, so that files which name the program name it by where it will be.
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_SOURCE_DIR}/debian/files.cmake")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "nginx | httpd, openssh-server, git, cron")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Packs each build of a program into a compressed slug, records it as a
numbered release, replaces the running processes without losing a
request, watches the new release, and takes any earlier one live again
in an instant.
.
For a single host: no containers, no proxy, no database.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(script postinst prerm postrm conffiles)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA "${CMAKE_CURRENT_SOURCE_DIR}/debian/${script}")
endforeach()
include(CPack)

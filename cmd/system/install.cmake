# Runs when shipit is installed: SHIPIT is the program's path, as it will be; DESTDIR is put before all
# that is written.
file(READ ${shipit_system_files}/systemd/system/hardening.in HARDENING)
string(STRIP "${HARDENING}" HARDENING)

# shipit_write(FROM TO): below the prefix.
function(shipit_write from to)
  set(path "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${to}")
  message(STATUS "Installing: ${path}")
  configure_file(${shipit_system_files}/${from} "${path}" @ONLY
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
endfunction()

foreach(whose system user)
  foreach(service shipit@ shipit shipit-prune)
    shipit_write(systemd/${whose}/${service}.service.in lib/systemd/${whose}/${service}.service)
  endforeach()
  shipit_write(systemd/shipit-prune.timer lib/systemd/${whose}/shipit-prune.timer)
endforeach()
# To be put into /etc/cron.d: install.sh does, and the Debian package.
shipit_write(cron.in lib/shipit/cron)

# What `cmake --install` puts where, and the Debian package made of it (cpack -G DEB, or
# scripts/package, which configures for it).
#
# Programs, manuals and examples follow the prefix. The configuration lies in /etc/supervisor and logs
# in /var/log/supervisor under every prefix, where clients, scripts and the package of the original expect it;
# -DCMAKE_INSTALL_SYSCONFDIR=... puts it elsewhere. DESTDIR is honoured by all.
set(etc ${CMAKE_INSTALL_FULL_SYSCONFDIR})

install(FILES conf/supervisord.conf DESTINATION ${etc}/supervisor)
install(DIRECTORY DESTINATION ${etc}/supervisor/conf.d)
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_FULL_LOCALSTATEDIR}/log/supervisor)
install(FILES packaging/supervisor.logrotate DESTINATION ${etc}/logrotate.d RENAME supervisor)

configure_file(packaging/supervisor.service.in supervisor.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/supervisor.service DESTINATION lib/systemd/system)
install(FILES packaging/supervisor.tmpfiles DESTINATION lib/tmpfiles.d RENAME supervisor.conf)

install(FILES README.md docs/migrating.md docs/cookbook.md docs/quickstart.md docs/xmlrpc.md
    docs/events.md docs/openapi.json docs/grafana.json DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES conf/demo.conf packaging/hardening.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# ---- manual pages, compressed as distributions want them; the tables of supervisord.conf(5) are
# printed by the program that knows every option

find_program(GZIP gzip REQUIRED)
set(man_dir ${PROJECT_BINARY_DIR}/man)
file(MAKE_DIRECTORY ${man_dir})
set(man_pages "")

# manual_page(<source> <name.section>)
function(manual_page source page)
    string(REGEX REPLACE ".*\\." "" section ${page})
    add_custom_command(OUTPUT ${man_dir}/${page}.gz
        COMMAND ${GZIP} -9nc ${source} > ${man_dir}/${page}.gz
        DEPENDS ${source} VERBATIM)
    install(FILES ${man_dir}/${page}.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    set(man_pages ${man_pages} ${man_dir}/${page}.gz PARENT_SCOPE)
endfunction()

foreach(page supervisord.8 supervisorctl.1 echo_supervisord_conf.1 pidproxy.1)
    manual_page(${PROJECT_SOURCE_DIR}/man/${page} ${page})
endforeach()

add_custom_command(OUTPUT ${man_dir}/supervisord.conf.5
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:echo_supervisord_conf>
        -DSOURCE=${PROJECT_SOURCE_DIR}/man/supervisord.conf.5.in
        -DTARGET=${man_dir}/supervisord.conf.5 -P ${PROJECT_SOURCE_DIR}/cmake/man-tables.cmake
    DEPENDS echo_supervisord_conf man/supervisord.conf.5.in cmake/man-tables.cmake VERBATIM)
manual_page(${man_dir}/supervisord.conf.5 supervisord.conf.5)
add_custom_target(manual ALL DEPENDS ${man_pages})

# ---- completions, each where its shell looks

file(GLOB bash_completions CONFIGURE_DEPENDS completions/*.bash)
foreach(file ${bash_completions})
    get_filename_component(command ${file} NAME_WE)
    install(FILES ${file} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME ${command})
endforeach()
file(GLOB zsh_completions CONFIGURE_DEPENDS completions/_*)
install(FILES ${zsh_completions} DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions)
file(GLOB fish_completions CONFIGURE_DEPENDS completions/*.fish)
install(FILES ${fish_completions} DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

# ---- the Debian package

if(SUPERVISOR_DEBIAN)
    # A changelog of Debian's form, made of ours.
    add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/changelog.gz
        COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR}/CHANGELOG.md
            -DTARGET=${PROJECT_BINARY_DIR}/changelog -P
            ${PROJECT_SOURCE_DIR}/cmake/debian-changelog.cmake
        COMMAND ${GZIP} -9nf ${PROJECT_BINARY_DIR}/changelog
        DEPENDS CHANGELOG.md cmake/debian-changelog.cmake VERBATIM)
    add_custom_target(debian_changelog ALL DEPENDS ${PROJECT_BINARY_DIR}/changelog.gz)
    install(FILES ${PROJECT_BINARY_DIR}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON) # files in /etc do not follow the prefix
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
    GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_NAME supervisor-c)
set(CPACK_PACKAGE_VERSION ${SUPERVISOR_C_VERSION})
set(CPACK_PACKAGE_CONTACT "The Supervisor in C authors <supervisor-c@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "process manager, drop-in replacement for Supervisor")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Starts programs, starts them again when they end, and keeps their logs.
Reads the same configuration as Supervisor, answers the same commands and
the same XML-RPC calls and feeds the same event listeners, in one native
process.

The web page became a live dashboard; there are a JSON interface and metrics
for Prometheus, too.")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONFLICTS supervisor)
set(CPACK_DEBIAN_PACKAGE_REPLACES supervisor)
set(CPACK_DEBIAN_PACKAGE_PROVIDES "supervisor (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "python3")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm
    ${PROJECT_SOURCE_DIR}/packaging/postrm ${PROJECT_SOURCE_DIR}/packaging/conffiles)
include(CPack)

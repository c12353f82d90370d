# What `cmake --install` puts where, and the Debian package made of it (cpack -G DEB).
install(FILES conf/supervisord.conf DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/supervisor)
install(DIRECTORY DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/supervisor/conf.d)
install(FILES conf/demo.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_file(packaging/supervisor.service.in supervisor.service @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/supervisor.service DESTINATION lib/systemd/system)
install(FILES packaging/supervisor.tmpfiles DESTINATION lib/tmpfiles.d RENAME supervisor.conf)
install(FILES packaging/supervisor.logrotate DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/logrotate.d
    RENAME supervisor)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME supervisor-c)
set(CPACK_PACKAGE_VERSION ${SUPERVISOR_C_VERSION})
set(CPACK_PACKAGE_CONTACT "The Supervisor in C authors <supervisor-c@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "process manager, drop-in replacement for Supervisor")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Runs, restarts and logs programs. Reads the same configuration, speaks the same
 XML-RPC and has the same commands as Supervisor, in one native process.")
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONFLICTS supervisor)
set(CPACK_DEBIAN_PACKAGE_REPLACES supervisor)
set(CPACK_DEBIAN_PACKAGE_PROVIDES supervisor)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${PROJECT_SOURCE_DIR}/packaging/postinst ${PROJECT_SOURCE_DIR}/packaging/prerm
    ${PROJECT_SOURCE_DIR}/packaging/postrm ${PROJECT_SOURCE_DIR}/packaging/conffiles)
include(CPack)

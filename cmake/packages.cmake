# Debian packages of what is installed, which `cpack` makes in the folder of a build (scripts/package does). A package is a row here, and a
# component of that name in the install rules. What its programs and libraries link to becomes its dependencies by dpkg-shlibdeps.
set(PACKAGE_VERSION_DEBIAN ${PROJECT_VERSION})
if(EXISTS /etc/os-release) # a package is for one release: the next one has other versions of the libraries
  file(STRINGS /etc/os-release OS_RELEASE REGEX "^VERSION_ID=")
  string(REGEX REPLACE "^VERSION_ID=\"?([0-9.]+)\"?$" "+deb\\1" OS_RELEASE "${OS_RELEASE}")
  string(APPEND PACKAGE_VERSION_DEBIAN "${OS_RELEASE}")
endif()
set(CPACK_GENERATOR DEB)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VERSION ${PACKAGE_VERSION_DEBIAN})
set(CPACK_PACKAGE_VENDOR "The idem authors")
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/debian.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE gzip)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "The idem authors <idem@localhost>")
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
endif()
set(CPACK_COMPONENTS_ALL)

# idem_package(NAME SUMMARY [MODELS] [SECTION S] [TEXT LINE...] [DEPENDS P...] [RECOMMENDS P...] [SUGGESTS P...])
macro(idem_package name summary)
  cmake_parse_arguments(PACKAGE MODELS SECTION "TEXT;DEPENDS;RECOMMENDS;SUGGESTS" ${ARGN})
  string(TOUPPER ${name} upper)
  list(APPEND CPACK_COMPONENTS_ALL ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${PACKAGE_SECTION})
  list(JOIN PACKAGE_TEXT "\n" text)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${summary}\n${text}")
  foreach(kind DEPENDS RECOMMENDS SUGGESTS)
    list(JOIN PACKAGE_${kind} ", " list)
    set(CPACK_DEBIAN_${upper}_PACKAGE_${kind} "${list}")
  endforeach()
  set(copyright ${CMAKE_SOURCE_DIR}/LICENSE)
  if(PACKAGE_MODELS)
    file(READ ${copyright} text)
    set(copyright ${CMAKE_BINARY_DIR}/copyright)
    file(CONFIGURE OUTPUT ${copyright} CONTENT "Of the code:\n\n@text@\nThe models in share/idem/models are under terms of their own, which the cards beside them state: research use.\n" @ONLY)
  endif()
  install(FILES ${copyright} DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${name} RENAME copyright COMPONENT ${name})
endmacro()

set(PACKAGE_IS "(= ${PACKAGE_VERSION_DEBIAN})")
set(PACKAGE_IDEM_TEXT
    "idem takes the identity of one face picture and the attributes of another"
    "(pose, expression, hair, light, background) and paints a face that has both,"
    "by a StyleGAN2 generator. It runs and trains on an ordinary processor.")
list(TRANSFORM PLUGINS PREPEND idem- OUTPUT_VARIABLE PLUGIN_PACKAGES)
idem_package(idem "identity of one face, attributes of another: the program" MODELS SECTION graphics
  TEXT ${PACKAGE_IDEM_TEXT} "The small generator and mapper that come with it are for research."
  DEPENDS fonts-dejavu-core
  RECOMMENDS npm curl idem-heif idem-video
  SUGGESTS ${PLUGIN_PACKAGES})
idem_package(libidem0 "identity of one face, attributes of another: the library" SECTION libs
  TEXT ${PACKAGE_IDEM_TEXT} "This is the shared library that C programs link to."
  DEPENDS fonts-dejavu-core
  SUGGESTS idem ${PLUGIN_PACKAGES})
# What other packages that link to it depend on, and that the list of libraries is to be renewed.
file(WRITE ${CMAKE_BINARY_DIR}/control/shlibs "libidem 0 libidem0 (>= ${PROJECT_VERSION})\n")
file(WRITE ${CMAKE_BINARY_DIR}/control/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBIDEM0_PACKAGE_CONTROL_EXTRA ${CMAKE_BINARY_DIR}/control/shlibs ${CMAKE_BINARY_DIR}/control/triggers)
idem_package(libidem-dev "identity of one face, attributes of another: for C programs" SECTION libdevel
  TEXT ${PACKAGE_IDEM_TEXT} "This is the header, the static library and the file for pkg-config."
  DEPENDS "libidem0 ${PACKAGE_IS}" libzip-dev libjpeg-dev libpng-dev libwebp-dev liblcms2-dev libcairo2-dev libfontconfig-dev libjansson-dev libsodium-dev
          libprotobuf-c-dev liblapacke-dev libopenblas-dev libdnnl-dev)
foreach(plugin ${PLUGINS})
  idem_package(idem-${plugin} "plug-in of idem: ${PLUGIN_SUMMARY_${plugin}}" SECTION graphics
    TEXT "The program idem and programs that use libidem0 open this plug-in when" "it is needed."
    DEPENDS "idem ${PACKAGE_IS} | libidem0 ${PACKAGE_IS}" ${PLUGIN_DEPENDS_${plugin}})
endforeach()
include(CPack)

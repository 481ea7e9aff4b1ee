# Compresses PAGE and writes it as the C file OUT, with nothing but CMake.
set(packed "${OUT}.gz")
file(ARCHIVE_CREATE OUTPUT "${packed}" PATHS "${PAGE}" FORMAT raw COMPRESSION GZip)
file(READ "${packed}" hex HEX)
file(SHA256 "${PAGE}" hash)
string(SUBSTRING "${hash}" 0 16 hash)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,0x..,)"
  "\\1\n  " bytes "${bytes}")
file(WRITE "${OUT}" "/* Made by web/dashboard/cmake/embed_fallback.cmake. Constant data; any thread. */
#include \"web/dashboard.h\"

static const uint8_t asset_0[] = {
  ${bytes}
};

const web_asset web_dashboard_assets[] = {
  {\"/\", \"text/html; charset=utf-8\", \"\\\"${hash}\\\"\", asset_0, sizeof asset_0, false},
};
const size_t web_dashboard_asset_count =
  sizeof web_dashboard_assets / sizeof web_dashboard_assets[0];
")

/* config/demo.json, built into the program by CMake. Constant data. */
#ifndef BRIDGE_SRC_CONFIG_DEMO_H
#define BRIDGE_SRC_CONFIG_DEMO_H

#include <stddef.h>

extern const unsigned char br_config_demo[];
extern const size_t br_config_demo_size;

#endif

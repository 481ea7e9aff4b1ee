/* Cases of the system's side: other processes, descriptors, memory, threads. */
#include "suite.h"
const struct CMUnitTest cases_system[] = {{0}};

/* GET /api/v1/openapi.json: bridge/openapi.json, built into the program by CMake. HTTP thread. */
#include "api_private.h"

extern const unsigned char br_api_description[];
extern const size_t br_api_description_size;

void br_handle_description(web_request *request, void *user) {
  (void)user;
  web_respond(request, 200, "application/json", br_api_description, br_api_description_size);
}

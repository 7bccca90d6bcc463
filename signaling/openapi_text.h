/* docs/openapi.json as the build found it; zero-terminated. */
#pragma once

extern const unsigned char openapi_text[];

/* What looks like a secret and would go into an image, where everybody who has that can read it. */
#pragma once

#include "host/image/spec.h"

/* Says so, a note each. */
void leaks_note(const struct image_spec *spec);

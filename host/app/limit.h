/* The size that the store keeps by itself. */
#pragma once

/* Called when image (its path) was made: removes images and layers beyond $ORRIS_STORE_MAX, those
 * that were not used for the longest time first, and tells. */
void limit_keep(const char *image);

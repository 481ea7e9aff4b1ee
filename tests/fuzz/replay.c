/* Runs a fuzzer's entry point once for each file of the folders (and files) named as arguments, so
 * that a corpus is an ordinary test with any compiler. A folder without a file is an error: it
 * would prove nothing. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { INPUT_MAX_BYTES = 1 << 20, PATH_MAX_BYTES = 4096 };

static bool file_replay(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    return false;
  }
  uint8_t *buffer = malloc(INPUT_MAX_BYTES);
  uint8_t *input = NULL;
  if (buffer) {
    size_t size = fread(buffer, 1, INPUT_MAX_BYTES, file);
    /* A copy of exactly the input's size, so that a sanitizer sees a look beyond it. */
    input = malloc(size + (size == 0));
    if (input) {
      memcpy(input, buffer, size);
      fprintf(stderr, "%s: %zu bytes\n", path, size);
      (void)LLVMFuzzerTestOneInput(input, size);
    }
  }
  bool is_done = input && !ferror(file);
  free(input);
  free(buffer);
  (void)fclose(file);
  return is_done;
}

static bool folder_replay(const char *path, DIR *folder, unsigned *count) {
  const struct dirent *entry;
  while ((entry = readdir(folder))) {
    if (entry->d_name[0] == '.') {
      continue;
    }
    char file[PATH_MAX_BYTES];
    int length = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
    if (length < 0 || (size_t)length >= sizeof file || !file_replay(file)) {
      return false;
    }
    (*count)++;
  }
  return true;
}

int main(int argc, char **argv) {
  unsigned count = 0;
  for (int index = 1; index < argc; index++) {
    DIR *folder = opendir(argv[index]);
    bool is_done = folder ? folder_replay(argv[index], folder, &count) : file_replay(argv[index]);
    if (folder) {
      (void)closedir(folder);
    } else {
      count++;
    }
    if (!is_done) {
      fprintf(stderr, "%s: not replayed\n", argv[index]);
      return EXIT_FAILURE;
    }
  }
  if (count == 0) {
    fprintf(stderr, "no input: name a folder with files\n");
    return EXIT_FAILURE;
  }
  fprintf(stderr, "%u inputs replayed\n", count);
  return EXIT_SUCCESS;
}

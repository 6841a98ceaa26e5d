/* Runs kernels on memory that a file brings, and writes that memory to another file: host JOB RESULT.

   A job is made of 64-bit integers and bytes, in the order in which they are read below. The machine's code
   comes in the file that this one is linked with, as a table of functions. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

extern void (*const kernels[])(void *);

static FILE *job;

static void fill(void *place, size_t size) {
    if (size && fread(place, 1, size, job) != size) {
        fputs("the job ends too early\n", stderr);
        exit(1);
    }
}

static int64_t number(void) {
    int64_t value;
    fill(&value, sizeof value);
    return value;
}

static void *bytes(int64_t size) {
    /* As torch aligns its tensors. */
    void *place = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    if (!place) {
        fputs("no memory\n", stderr);
        exit(1);
    }
    fill(place, size);
    return place;
}

int main(int count, char **names) {
    if (count != 3 || !(job = fopen(names[1], "rb"))) {
        fputs("usage: host JOB RESULT\n", stderr);
        return 2;
    }
    int64_t regions = number();
    char **places = malloc((regions + 1) * sizeof *places);
    int64_t *sizes = malloc((regions + 1) * sizeof *sizes);
    for (int64_t n = 0; n < regions; n++) {
        sizes[n] = number();
        places[n] = bytes(sizes[n]);
    }
    for (int64_t calls = number(); calls > 0; calls--) {
        int64_t kernel = number(), size = number();
        char *block = bytes(size);
        for (int64_t pointers = number(); pointers > 0; pointers--) {
            int64_t where = number(), region = number(), offset = number();
            *(char **)(block + where) = places[region] + offset;
        }
        kernels[kernel](block);
    }
    FILE *result = fopen(names[2], "wb");
    for (int64_t n = 0; result && n < regions; n++)
        if (sizes[n] && fwrite(places[n], 1, sizes[n], result) != (size_t)sizes[n]) return 1;
    return !result || fclose(result) ? 1 : 0;
}

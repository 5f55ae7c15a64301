/* Runs a fuzz target over files and the files of folders, for compilers without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *in = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_MAX);
    size_t n;
    int done = 0;
    if (in == NULL || data == NULL)
        goto out;
    n = fread(data, 1, INPUT_MAX, in);
    /* A block of its own exact size, so that a read past the end is seen. */
    uint8_t *exact = realloc(data, n != 0 ? n : 1);
    if (exact == NULL)
        goto out;
    data = exact;
    (void)LLVMFuzzerTestOneInput(data, n); /* always 0: a fault ends the process */
    done = 1;
out:
    if (!done)
        perror(path);
    free(data);
    if (in != NULL)
        (void)fclose(in); /* it was only read */
    return done;
}

static int replay_folder(const char *path)
{
    struct dirent **names = NULL;
    int count = scandir(path, &names, NULL, alphasort), done = 0;
    for (int i = 0; i < count; i++) {
        char file[4096];
        if (names[i]->d_name[0] != '.') {
            int n = snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
            if (n > 0 && (size_t)n < sizeof file)
                done += replay_file(file);
        }
        free(names[i]);
    }
    free(names);
    return done;
}

int main(int argc, char **argv)
{
    int done = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            done += replay_folder(argv[i]);
        else
            done += replay_file(argv[i]);
    }
    printf("%d inputs\n", done);
    return done == 0;
}

#include <stdio.h>
#include <apisec/version.h>

int main(void)
{
    fprintf(stderr, "apisecctl %s: no command is known yet\n", aps_version());
    return 2;
}

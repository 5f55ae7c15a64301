/* roca.c - Nemec and others, "The Return of Coppersmith's Attack" (2017), 2.2: both primes of such
 * a modulus are k * M + (65537^a mod M), M a product of the first primes. */
#include "roca.h"

#define GENERATOR 65537

static bool is_power(unsigned long residue, unsigned long prime)
{
    unsigned long power = 1;

    do {
        if (power == residue)
            return true;
        power = power * GENERATOR % prime;
    } while (power != 1);
    return false;
}

bool aps_roca_is_weak(const BIGNUM *n)
{
    static const unsigned char primes[] = {
        3,  5,  7,  11, 13, 17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
        73, 79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

    for (size_t i = 0; i < sizeof primes; i++) {
        BN_ULONG residue = BN_mod_word(n, primes[i]);

        if (residue == (BN_ULONG)-1 || !is_power((unsigned long)residue, primes[i]))
            return false;
    }
    return true;
}

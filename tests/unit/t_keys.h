/* t_keys.h - keys made for these tests and used nowhere else: one for each kind, and some that are
 * to be refused.  t_private_X and t_public_X belong together. */
#ifndef T_KEYS_H
#define T_KEYS_H

#define T_KEY __attribute__((unused)) static const char

T_KEY t_private_rsa[] = "-----BEGIN PRIVATE KEY-----\n"
                        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDzGeljRMKs/9MG\n"
                        "21sLagvIc4LjZuhYCusKZDCAT+eKljYXU3zMl+giTAPUw2jrlEOmiJbfXxQMCOSI\n"
                        "A8fWJgrviCfadaOvpYY7qMNrn3xSC18vBucJBEu0QfTTzQENqFQZHdXpnBvmeq6N\n"
                        "eB6xzlCzfEleK8O2M+gD7eCgc3Siy7OF32ooKi5A/N87SQxxLsk25JWctuXZZjss\n"
                        "flU9Z02BoVYmkChl5jP6jiTDLEFh7a90BxivydPOn+Umsn4lF2qEgoR/6HXAu0t1\n"
                        "tdN5jlpq8IBpDDkLzbdPRUaZDwefXiCz6oxj34GOi3gXq7djbUsiM4dJd9THL6NC\n"
                        "e69zsUP1AgMBAAECggEAK59KsfV0uXZud5yFCddNpfqUUhn1N1c+Ne8khOHRupyZ\n"
                        "uDXS/yODFCRvy44FFcDVItz/tbVp837lA0MqaNMKw1C7VggmBy68l5gA+R71QAOq\n"
                        "YNXsP0H2E7KCLD9tIPZDoP4plHHez8zT5a7YUy+ia5Kx16Qiyl8mEw5scF5HX660\n"
                        "UDHKXE/xd8QQDTFmh6xh/aEg/NIlyf0TiFf4g8TV2p6jIB+0F1O1IXCD5PiQ+3c6\n"
                        "3A3y8u7arnKzAHoySyRMf8HEJpH9xZ+nVqc/vlq4bwqbqxvmkaYc+XnFU6E75dR4\n"
                        "vCEnjPHtlpck6PhtG/SMxWu/op8YNOe4lfZ0iBXVQQKBgQD6UNIF9dgpiSgkz1JI\n"
                        "gnd/f3/6vFjZFTGqHrhHzj7blBte0/ItPNSUMAkW9IDbgSZ/tNK8zcFiQvo4oPb6\n"
                        "09bwxyy1eVV/xIlubBCuMvCaXzVHm95K/fC3L1cq79PT+ISICdtkbgQ76jeHhP8T\n"
                        "ZiEA6Yay3akmyDs2FgQCPmkcTwKBgQD4nyaWZJl31lxlD6IMLmQurevGdV8Jt0GB\n"
                        "9X2WaJkVo+8zmwB1QqxYoECr0NYb82hPuAv6VwW1hch456pizzFVFHKh6eE709kc\n"
                        "/MntE+KQ0Bsejfjzric33I++uMMMfQvIXkNSJV4A12zEViDXGBS4akvkenasKteS\n"
                        "ff2LG0g2ewKBgDPA7guJbu33i7NAojSXtPlJdT50HrKTbTdNLrC59ckUcCxFCfdM\n"
                        "cm9JFzgFyXaY10rkKgYbTHZyfqWisi3eCryxkY7bzU+jZP7NnQ1HPvPL54osseMz\n"
                        "aceWJCGegF99LHmsAA5dqMZygJSmbM6n+P7lSZJFvilkkMl399A28yiFAoGBAJcB\n"
                        "KxG7Rk83/mRPa3AUmTqU3hhq329qQ7poXYAGRbyUFkv0wAF4nm8x3jW9IN5XJ6sL\n"
                        "sRK62jfXatyscJuVFnSDd+CJyghpcnwduZNqOXkVPPOA7Y0r4JwYNaJ0W9tw88Ae\n"
                        "KKtzELZYIbLaURXzhVpBDZlXHE8Tsl1CcsWTq3eTAoGASvUKIkb5Nrs/2H3nFEoS\n"
                        "vcM+8RceW3jBxOdWvOUL7itLz10sKVoNId80tljbWIG9kdShQxjjjnviSUildpAr\n"
                        "psfmA1U+FjrH8YKv4XkDv3NGMyJ+WfPWh5y10e5ZJNA0DBNHXOaCkA6mfhLE25ef\n"
                        "mJG7ih4tEsukkNThowfDpto=\n"
                        "-----END PRIVATE KEY-----\n";

T_KEY t_public_rsa[] = "-----BEGIN PUBLIC KEY-----\n"
                       "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8xnpY0TCrP/TBttbC2oL\n"
                       "yHOC42boWArrCmQwgE/nipY2F1N8zJfoIkwD1MNo65RDpoiW318UDAjkiAPH1iYK\n"
                       "74gn2nWjr6WGO6jDa598UgtfLwbnCQRLtEH0080BDahUGR3V6Zwb5nqujXgesc5Q\n"
                       "s3xJXivDtjPoA+3goHN0osuzhd9qKCouQPzfO0kMcS7JNuSVnLbl2WY7LH5VPWdN\n"
                       "gaFWJpAoZeYz+o4kwyxBYe2vdAcYr8nTzp/lJrJ+JRdqhIKEf+h1wLtLdbXTeY5a\n"
                       "avCAaQw5C823T0VGmQ8Hn14gs+qMY9+Bjot4F6u3Y21LIjOHSXfUxy+jQnuvc7FD\n"
                       "9QIDAQAB\n"
                       "-----END PUBLIC KEY-----\n";

T_KEY t_private_p256[] = "-----BEGIN PRIVATE KEY-----\n"
                         "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg3xVmt8m2JZzX3SfU\n"
                         "tE9MB7/FpN5G5636sqhotRis9g6hRANCAARYR3vBausEbOVtcYQCz///ieyTWXLt\n"
                         "LaxcY30I9IeD64WYv8V3fYvflotq2D5cOPjTLiW7LSUcjqk/++s09KZK\n"
                         "-----END PRIVATE KEY-----\n";

T_KEY t_public_p256[] = "-----BEGIN PUBLIC KEY-----\n"
                        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEWEd7wWrrBGzlbXGEAs///4nsk1ly\n"
                        "7S2sXGN9CPSHg+uFmL/Fd32L35aLatg+XDj40y4luy0lHI6pP/vrNPSmSg==\n"
                        "-----END PUBLIC KEY-----\n";

T_KEY t_private_p384[] = "-----BEGIN PRIVATE KEY-----\n"
                         "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDC4C1Ug83/6vd5bngWq\n"
                         "HhQbcafZJgGRXSIKGgv9MLLHdzKXb5kIg1O6nudzZTCdD8ahZANiAATNNXoYWl5S\n"
                         "QfznGk3GuVP9hd42UPFCZuaoQfEnswGeqohO+/zuBcdF2PxEGDz/sNQ9w6khGLq3\n"
                         "bdCDYi5Z73IjgRxXRSGc5UcHM0p8BnIziaUPmWWX7HPArrg+WIfBqrI=\n"
                         "-----END PRIVATE KEY-----\n";

T_KEY t_public_p384[] = "-----BEGIN PUBLIC KEY-----\n"
                        "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEzTV6GFpeUkH85xpNxrlT/YXeNlDxQmbm\n"
                        "qEHxJ7MBnqqITvv87gXHRdj8RBg8/7DUPcOpIRi6t23Qg2IuWe9yI4EcV0UhnOVH\n"
                        "BzNKfAZyM4mlD5lll+xzwK64PliHwaqy\n"
                        "-----END PUBLIC KEY-----\n";

T_KEY t_private_p521[] = "-----BEGIN PRIVATE KEY-----\n"
                         "MIHuAgEAMBAGByqGSM49AgEGBSuBBAAjBIHWMIHTAgEBBEIAXsyHR7rc5nhfe73i\n"
                         "6a0C5Ltf/G3/+KTn2dTMVk9ow1Snp6yxNNC/63T16NypkYWSRcJXlL4q6oJDdrZl\n"
                         "Q3iBsMWhgYkDgYYABAHN48C8k/qi6FfLkO9wD4/NuWi83UzM/J/9eU2sa0voGL1n\n"
                         "4grV13RjhLhZECI9D6Re+8LxhOkMidWRM7nS7wrmrgAjrJXJWjmxMZhXUHn/kb1E\n"
                         "ubYaaw+gRo49/DxvHbeqrwfaw/MdL5GotB7+NfFxrsAB2SZBl78n4yQSv+IMatgS\n"
                         "qA==\n"
                         "-----END PRIVATE KEY-----\n";

T_KEY t_public_p521[] = "-----BEGIN PUBLIC KEY-----\n"
                        "MIGbMBAGByqGSM49AgEGBSuBBAAjA4GGAAQBzePAvJP6ouhXy5DvcA+PzblovN1M\n"
                        "zPyf/XlNrGtL6Bi9Z+IK1dd0Y4S4WRAiPQ+kXvvC8YTpDInVkTO50u8K5q4AI6yV\n"
                        "yVo5sTGYV1B5/5G9RLm2GmsPoEaOPfw8bx23qq8H2sPzHS+RqLQe/jXxca7AAdkm\n"
                        "QZe/J+MkEr/iDGrYEqg=\n"
                        "-----END PUBLIC KEY-----\n";

T_KEY t_private_ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MC4CAQAwBQYDK2VwBCIEIPvaq5gu1sAitrpPzW9BBYJ/e7foZZ+SjN1oQHZzs8qK\n"
                            "-----END PRIVATE KEY-----\n";

T_KEY t_public_ed25519[] = "-----BEGIN PUBLIC KEY-----\n"
                           "MCowBQYDK2VwAyEALJB0m+HXUxag/izeNj79AOVEjkNNudUgyo3B1XfoISA=\n"
                           "-----END PUBLIC KEY-----\n";

T_KEY t_private_ed448[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MEcCAQAwBQYDK2VxBDsEOQWeIJy5rMsHEBtbMsBQ7vcVTz/DEl96WsDQXqXzeTPm\n"
                          "LjnlcFQdPU3pyrY82L7gCmApX8KcWmPrGA==\n"
                          "-----END PRIVATE KEY-----\n";

T_KEY t_public_ed448[] = "-----BEGIN PUBLIC KEY-----\n"
                         "MEMwBQYDK2VxAzoAnpPtJ2QBPz9mbLd79q1r1qV7BV7sLMLGnPj8M0YJancpoTWR\n"
                         "neoyUk3AcY7m/2jk3mR5QVSFL2GA\n"
                         "-----END PUBLIC KEY-----\n";

/* The key of t_private_p256 in another form. */

T_KEY t_private_p256_sec1[] = "-----BEGIN EC PRIVATE KEY-----\n"
                              "MHcCAQEEIN8VZrfJtiWc190n1LRPTAe/xaTeRuet+rKoaLUYrPYOoAoGCCqGSM49\n"
                              "AwEHoUQDQgAEWEd7wWrrBGzlbXGEAs///4nsk1ly7S2sXGN9CPSHg+uFmL/Fd32L\n"
                              "35aLatg+XDj40y4luy0lHI6pP/vrNPSmSg==\n"
                              "-----END EC PRIVATE KEY-----\n";

/* The exponent is 3. */

T_KEY t_public_rsa_e3[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MIIBIDANBgkqhkiG9w0BAQEFAAOCAQ0AMIIBCAKCAQEA0OGBUaH++QCWc0nSLwpe\n"
                          "s/DD/rkk4m2iqFUFVCHYT5o6j7x9ChkC+5Wr4Tkl48LcIOzem8ZoEHeABQhdG8fR\n"
                          "o4/dO6Vtw6m9yZV43FKCMNasRymcekBD1TJ33IjLuN6HCwqwYjTSaW9VH+ac4QmI\n"
                          "lTyqLYLHP93OjMoahdlyM6dE+EQc0ZwESt2Resne7LnV8vVdZ5aTd7IjuxxKmTHo\n"
                          "se/n4ZL5N6JyNyRDeo8flqMZTpJHcvmRazTYvXooCe5AuS4ThV0rT4HfhkLxhIeZ\n"
                          "IBPuHTj3kH92g2+Q6A/uIKhbVa9wxuJLb0jUi3RSoyFMfp/Fj/+rI76bCubXMuPY\n"
                          "mQIBAw==\n"
                          "-----END PUBLIC KEY-----\n";

/* Only for RSASSA-PSS. */

T_KEY t_private_rsa_pss[] = "-----BEGIN PRIVATE KEY-----\n"
                            "MIIEugIBADALBgkqhkiG9w0BAQoEggSmMIIEogIBAAKCAQEA1N4PLFmAy6QwhImg\n"
                            "tWnK5nfOgBTCAJMXb0MsjYPNF6605a+pIq8M9M6orWWGiQ5VZuJZWii41dxwrr5J\n"
                            "P7yAp0qBTuFAuGSfrupWQqfTuh5UyZyuA2DLrcdl77hAs5NLpCA047BFv00wg+lm\n"
                            "GuT9yeoezuYNJwzB7i4cms1aw4ip8WXyOtEuyeZR7i+aty1wjw6ttpl8xcDMn+ek\n"
                            "kjbBilqi8MZm5qDeATAtnDDn1+jLjvkVUHCC+eqCMAeZ4WuzxTz69aS5WvTL2cy1\n"
                            "gRYoB71NywddnwnYCf3pgzFBtE0DtWhNPcwDDe/ObIGw29goDOueGXpBrQF9j876\n"
                            "4gDhjwIDAQABAoIBAE33wf4AEH1Gd+Dr2hnolIFi65edQsvcFI7Tv2tcFdBxVN/2\n"
                            "PdCu5mN6mGzejW8A+YX0LT8pQD5Q/lL67rByNntP/lnqhn6jmJuESLEkcJgwyOSJ\n"
                            "x3EEUMYnjW5HAifkMSX+B/FH3NwrhTQj1prOOijtYHhu6e1eLmAzspV+1xpb9sSG\n"
                            "nsHSoAnwGMvbnzT7krycV72Dz8dkC8IP4MHnvbjLhHJx2lJCsiUfsf5AOWhzonfS\n"
                            "k76ysZrqsoJpAAX2AonHAAzECi9vFWmB9i7Mhtlkv+9OIaOLTMC6ABbTxR6Jlt2v\n"
                            "KpxrfS7gsd7gEVLNdtueclN+FV8SnRqGP6U5p8kCgYEA6pKjh1X2k15eVp7O6zKk\n"
                            "tGR0YiV7Z0zUZEmCR+tLp08WrFAIRRzFZLC7uC+XkNkTXSLbkY/S+usitiC70i4A\n"
                            "dod2kI61uKCSoYSRbcq9E3wISnm+GsKGa/3i58Kt++boXMnniGP144Zvicl+L5Ae\n"
                            "xgLTBXHvzyKf6/q6bHGimycCgYEA6E/Z96sNfV3IcRdUlJ1u4awOD824C+om8GKv\n"
                            "fnNe50UfVp2apdZS+lJDp+qp59tpGxgq+mN4hvVFzmei/bkfyAiXB25fCoCkX43R\n"
                            "02wHbLYdNAh7rdIfDcABS9oZTGaFAnkigDT1qFDUdofZ+CpiIjSHDQRs+iEkcTgM\n"
                            "dGw6J1kCgYB4uWmCIILby4if6fGyaIkN8llXndTKEGeLCa4MV5PDEtgnbLUk5K7O\n"
                            "qIqkO5I00RO/Lk50tuGtk9B0jZo8jMJePk+ODHSIBdQRXon+SIZQ/dfChK+LVCwc\n"
                            "bjkWcEJcz7Us9Bi+QDvvkmPbNSFFV1YPMKrsNXxnTXmi2JKTd1RppwKBgAUcjK04\n"
                            "ZEmX4KssWj4S4Leyc3TBkAUjF8w+P6JGo5XvHWtoeFihyJ2dZcOyFB734u4nr/pm\n"
                            "aeZ+SxTpjtqKUjqyhbAyK4Etp3A6zJ0cSWWI9EeK0D3Y27oPuXeTyu61asPNKocr\n"
                            "oyQa8zHQd2lQdWxPP5F3wXYXeJfNJekB4J2xAoGAV6Z00su9VlwB+9IJo3/1ad19\n"
                            "uq429WKSsBKxEGPWRMe2nCjH2xrhPobHDnAN538ShUB+cSWz3Q19lfe/KsDTSvpL\n"
                            "8gUzxaK9DyIg2fk2YmoB61395vDzyWAoHZKPT9lD0QcLvMSiCGbotivPKZxRTqQd\n"
                            "8l6T3NFg3vQjC3dwkOc=\n"
                            "-----END PRIVATE KEY-----\n";

T_KEY t_public_rsa_pss[] = "-----BEGIN PUBLIC KEY-----\n"
                           "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBANTeDyxZgMukMISJoLVpyuZ3\n"
                           "zoAUwgCTF29DLI2DzReutOWvqSKvDPTOqK1lhokOVWbiWVoouNXccK6+ST+8gKdK\n"
                           "gU7hQLhkn67qVkKn07oeVMmcrgNgy63HZe+4QLOTS6QgNOOwRb9NMIPpZhrk/cnq\n"
                           "Hs7mDScMwe4uHJrNWsOIqfFl8jrRLsnmUe4vmrctcI8OrbaZfMXAzJ/npJI2wYpa\n"
                           "ovDGZuag3gEwLZww59foy475FVBwgvnqgjAHmeFrs8U8+vWkuVr0y9nMtYEWKAe9\n"
                           "TcsHXZ8J2An96YMxQbRNA7VoTT3MAw3vzmyBsNvYKAzrnhl6Qa0BfY/O+uIA4Y8C\n"
                           "AwEAAQ==\n"
                           "-----END PUBLIC KEY-----\n";

/* Refused: 1024 bits, secp256k1, a curve that is spelled out, a pass phrase. */

T_KEY t_public_rsa_1024[] = "-----BEGIN PUBLIC KEY-----\n"
                            "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCo8FpymD50oC+D5zi9D6EsdqhQ\n"
                            "IjhjgLwIt4+tL7lcMA27xrWJB74XIasVOWXVA79Z0d3eoWuMqHJpwSYg5RLuzCfG\n"
                            "gLcvFSjtbU4NclejT2IoN0WSkmPj3Cv4VX9cntjcQlU5QeqAXcQv/HttSaPnbhmT\n"
                            "MhV9hKWSLPO0kmnjGQIDAQAB\n"
                            "-----END PUBLIC KEY-----\n";

T_KEY t_public_secp256k1[] = "-----BEGIN PUBLIC KEY-----\n"
                             "MFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAEQnkjF+omvtjOCB1gNjqor0ASR2UEgxBA\n"
                             "t/ZTynys0H/9p0Uk2pfume33oNyCC7yfV5sST5npBpC3GJKpxDbz1Q==\n"
                             "-----END PUBLIC KEY-----\n";

T_KEY t_public_explicit[] = "-----BEGIN PUBLIC KEY-----\n"
                            "MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAA\n"
                            "AAAAAAAAAAAA////////////////MFsEIP////8AAAABAAAAAAAAAAAAAAAA////\n"
                            "///////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSd\n"
                            "NgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5\n"
                            "RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA\n"
                            "//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IABN1dQOTRb+WaJ7O57pgL/YWX\n"
                            "kMS7mVxiqFE+bvMHtio+Ddx5gb6w4G4at5W3jIVLLIycSwPFLXoUroEwSJPZDn0=\n"
                            "-----END PUBLIC KEY-----\n";

T_KEY t_private_encrypted[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
                              "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgIWGt4g2EulQICCAAw\n"
                              "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEDgH0bqNEMFz8wYX8CVbANAEgZC4\n"
                              "NROC6J1tH77UIVCtZvR9I06Xm5hklLJacB5GkqXyq1cV7U1eN+C/Gplg23GKtKmA\n"
                              "7UGWO/TIrV0LV+VV+1WskuPQPzVkVLSxe7aqUYZlYqZhRYjZhqJp/M3p3u6623Ev\n"
                              "wn2mgIRgTK+jEJ7jPvkGn0DGklDclr7WgWYuAddyt4ABEdAmk27luQGq3uKVxgs=\n"
                              "-----END ENCRYPTED PRIVATE KEY-----\n";

/* The members of the public keys above as JWK. */

T_KEY t_jwk_rsa[] =
    "\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"8xnpY0TCrP_TBttbC2oLyHOC42boWArrCmQwgE_nipY2F"
    "1N8zJfoIkwD1MNo65RDpoiW318UDAjkiAPH1iYK74gn2nWjr6WGO6jDa598UgtfLwbnCQRLtEH0080BDahUG"
    "R3V6Zwb5nqujXgesc5Qs3xJXivDtjPoA-3goHN0osuzhd9qKCouQPzfO0kMcS7JNuSVnLbl2WY7LH5VPWdNg"
    "aFWJpAoZeYz-o4kwyxBYe2vdAcYr8nTzp_lJrJ-JRdqhIKEf-h1wLtLdbXTeY5aavCAaQw5C823T0VGmQ8Hn"
    "14gs-qMY9-Bjot4F6u3Y21LIjOHSXfUxy-jQnuvc7FD9Q\"";

T_KEY t_jwk_p256[] =
    "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"WEd7wWrrBGzlbXGEAs___4nsk1ly7S2sXGN9CPSHg-s"
    "\",\"y\":\"hZi_xXd9i9-Wi2rYPlw4-NMuJbstJRyOqT_76zT0pko\"";

T_KEY t_jwk_p384[] =
    "\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"zTV6GFpeUkH85xpNxrlT_YXeNlDxQmbmqEHxJ7MBnqq"
    "ITvv87gXHRdj8RBg8_7DU\",\"y\":\"PcOpIRi6t23Qg2IuWe9yI4EcV0UhnOVHBzNKfAZyM4mlD5lll-xz"
    "wK64PliHwaqy\"";

T_KEY t_jwk_p521[] =
    "\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"Ac3jwLyT-qLoV8uQ73APj825aLzdTMz8n_15TaxrS-g"
    "YvWfiCtXXdGOEuFkQIj0PpF77wvGE6QyJ1ZEzudLvCuau\",\"y\":\"ACOslclaObExmFdQef-RvUS5thpr"
    "D6BGjj38PG8dt6qvB9rD8x0vkai0Hv418XGuwAHZJkGXvyfjJBK_4gxq2BKo\"";

T_KEY t_jwk_ed25519[] =
    "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"LJB0m-HXUxag_izeNj79AOVEjkNNudUgyo3B1Xfo"
    "ISA\"";

T_KEY t_jwk_ed448[] =
    "\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"npPtJ2QBPz9mbLd79q1r1qV7BV7sLMLGnPj8M0YJan"
    "cpoTWRneoyUk3AcY7m_2jk3mR5QVSFL2GA\"";

/* 64 bytes of 0123456789abcdef, four times. */
T_KEY t_jwk_secret[] =
    "\"kty\":\"oct\",\"k\":"
    "\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZg\"";

#endif

/* backup_format.h - what stands around the database in a backup; see backup.h. */
#ifndef APISEC_STORE_BACKUP_FORMAT_H
#define APISEC_STORE_BACKUP_FORMAT_H

#include "apisec/backup.h"
#include "apisec/digest.h"
#include "apisec/master.h"
#include "own.h"

enum {
    APS_BACKUP_FORMAT = 1,
    APS_BACKUP_HAS_MASTER = 1, /* the only flag */
    APS_BACKUP_HEAD_MAX = 2 + APS_SEAL_ID_LEN + APS_MASTER_LEN + 8,
};

/* The MAC: over the digest of the stream's head, the head that stands before the database, and the
 * database's digest. */
APS_MUST_CHECK enum aps_err aps_backup_mac(const struct aps_secret *master,
                                           const uint8_t stream[APS_DIGEST_LEN],
                                           struct aps_str head,
                                           const uint8_t database[APS_DIGEST_LEN],
                                           uint8_t out[APS_MAC_LEN]);

#endif

/* bill.h - what one decision charges: whose cells, with how much, and what became of it.
 *
 * A bill is opened, filled with limits, and charged once, all or nothing.  Its charges join those
 * of the transaction (mod.h), which the answer's fields are made from.
 * Threads: all of it belongs to the thread that serves the request. */
#ifndef MOD_APISEC_BILL_H
#define MOD_APISEC_BILL_H

#include "mod.h"

/* What becomes of a request that would have to wait for its turn. */
enum mod_turn {
    MOD_TURN_NOW,   /* it cannot: refuse, and reserve nothing */
    MOD_TURN_WAIT,  /* it waits, as long as there are few enough who do */
    MOD_TURN_WATCH, /* admit it, as if it waited */
};

/* Names of a connection's address, which its requests ask for again and again. */
struct mod_names;

/* One decision's: whose cells are charged, and with how much. */
struct mod_asker {
    request_rec *r;
    struct mod_req *m;
    const struct aps_identity *caller; /* NULL: nobody is known, or is to be charged */
    const struct aps_adjusts *adjusts; /* what single callers were granted; NULL: nothing */
    const struct mod_cost *cost;       /* of the section; NULL: 1 */
    uint64_t store;                    /* 0: it could not be used at start, nor was it since */
    struct mod_names *names;           /* of the connection's address; NULL: not asked for yet */
    uint32_t by_expr;                  /* what the section's expression gave; 0: not asked yet */
    enum aps_reason fault;             /* why a cost is not known; ALLOW: all are */
    enum mod_turn turn;
    /* For the rows that list limits. */
    bool detects;                 /* under DetectOnly */
    const struct aps_plan *plan;  /* that the caller is held to, or NULL */
    const struct mod_limits *all; /* of the section */
};

enum { MOD_BILL_USUAL = 16 };

/* Charges to come; `charge` is where their outcomes go. */
struct mod_bill {
    unsigned n;
    aps_nsec delay; /* the longest that one of them lets a request wait */
    struct aps_rate_ask *ask;
    struct mod_charge *charge;
    struct aps_rate_ask some[MOD_BILL_USUAL];
};

/* Who asks in `m`, which costs what `cost` says where a limit says nothing; NULL: 1. */
struct mod_asker mod_bill_asker(request_rec *r, struct mod_req *m, const struct mod_cost *cost);

/* Whether the transaction has paid for this limit (NULL: the key's own), or is over: what a refusal
 * left unpaid is not asked for again on the way of its answer, but is where only a subrequest was
 * refused. */
bool mod_bill_is_charged(const struct mod_req *m, const struct aps_limit *limit);

/* Whether a limit by address alone is sure to have room.  False: look at its cells. */
bool mod_bill_has_room(struct mod_asker *a, const struct aps_limit *limit);

/* How many cells the limit charges the asker for. */
size_t mod_bill_room(const struct mod_asker *a, const struct aps_limit *limit);

/* Room for `n` charges behind those that are there. */
void mod_bill_open(struct mod_bill *bill, struct mod_req *m, size_t n);

/* All limits of the section that are neither paid for nor only watch, and that they were asked.
 * `addresses`: those by address alone. */
void mod_bill_add_section(struct mod_bill *bill, struct mod_asker *a, bool addresses);

/* All meters of a limit, for each of its subjects. */
void mod_bill_add(struct mod_bill *bill, struct mod_asker *a, const struct aps_limit *limit);

/* Of a limit that an earlier section of the transaction has charged, by how much this one costs
 * more; but not again for a request under way. */
void mod_bill_add_rest(struct mod_bill *bill, struct mod_asker *a, const struct aps_limit *limit);

/* The key's own limit, or its rest. */
void mod_bill_add_own(struct mod_bill *bill, struct mod_asker *a);

/* The name (aps_table_caller) of subject `i` of a limit.  `epoch`: how often the limit began anew
 * for the caller. */
uint64_t mod_bill_name(const struct mod_asker *a, const struct aps_limit *limit, size_t i,
                       uint64_t epoch);

/* All or nothing; what is left is kept for the RateLimit fields.  ALLOW, RATE_EXCEEDED, or why the
 * table cannot tell. */
enum aps_reason mod_bill_charge(struct mod_asker *a, struct mod_bill *bill);

/* inflight.c: keep the slots of what was charged until the answer is on its way. */
void mod_inflight_keep(const struct mod_asker *a, const struct aps_rate_result *result);

/* In the row that lists the limit; NULL: the key's own, which is not listed. */
void mod_bill_count_refusal(const struct mod_asker *a, const struct aps_limit *limit);

#endif

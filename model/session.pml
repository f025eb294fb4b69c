/* A session's end and its refresh tokens: does a token yield one successor, and is anything minted after the end?
 *
 * Two holders of one refresh token (a browser's two tabs, or a user and a thief) refresh at two nodes while the user
 * logs out. The session's record may stand in another store than the accounts, and that store may fall back to an older
 * state. A refresh token is a generation and a value; its successor's value comes from the nonce that the rotation drew.
 *
 *     refresh, at a node: read the record
 *                         accounts transaction: lock the user, shared; is the session ended?
 *                             sessions store: compare-and-set on the generation
 *                         commit; answer
 *     logout:             accounts transaction: lock the user; the session is ended; commit; delete the record
 *
 * Proved: whoever presents the first token within the grace is given the same successor (`successor`); nothing is minted
 * once the session has ended (`minted`), whatever the sessions store says. The mutants must fail.
 */
/* The accounts store: the user's row lock, and the revocation. */
byte readers;
bool ended;

/* The sessions store. */
bool kept = true;
byte generation = 1, current = 1, previous;
bool grace_over; /* of the last rotation */

byte successor; /* of the first token, as it was first given; 0: not yet */

/* What the mutants leave out. */
#ifdef MUTANT_NO_LOCK
#define LOCK_SHARED skip
#define UNLOCK_SHARED skip
#else
#define LOCK_SHARED readers++
#define UNLOCK_SHARED readers--
#endif
#ifdef MUTANT_TRUST_SESSIONS
#define STANDS kept
#else
#define STANDS (kept && !ended)
#endif
#ifdef MUTANT_NO_CAS
#define UNCHANGED true
#define MINE_IS_CURRENT (mine == seen_current)
#else
#define UNCHANGED (generation == seen)
#define MINE_IS_CURRENT (mine == current)
#endif
#ifdef MUTANT_NEW_NONCE
#define SAME_AGAIN fresh
#else
#define SAME_AGAIN current
#endif

inline end_session()
{
    atomic { readers == 0 -> ended = true }
    kept = false
}

proctype Holder(byte me)
{
    byte mine = 1, seen, seen_current, fresh, answer, times;
    do
    :: times < 2 ->
        times++;
        d_step { seen = generation; seen_current = current } /* read before the transaction */
        LOCK_SHARED;
        if
        :: !STANDS -> UNLOCK_SHARED; goto out
        :: else
        fi;
        fresh = seen * 4 + me; /* drawn anew each time */
        answer = 0;
        d_step { /* the sessions store: compare and set, or what stands there */
            if
            :: !kept
            :: else ->
                if
                :: MINE_IS_CURRENT && UNCHANGED ->
                    previous = mine; current = fresh; generation = seen + 1; grace_over = false; answer = fresh
                :: !(MINE_IS_CURRENT && UNCHANGED) && mine == previous && !grace_over -> answer = SAME_AGAIN
                :: else
                fi
            fi }
        if
        :: answer != 0 -> d_step {
                assert(!ended); /* minted */
#ifndef FALLBACK        /* which loses rotations: then a token may yield a second successor, until both show */
                assert(mine != 1 || successor == 0 || successor == answer);
#endif
                if
                :: mine == 1 -> successor = answer
                :: else
                fi;
                mine = answer }
            UNLOCK_SHARED
        :: else ->
            UNLOCK_SHARED;
            /* Changed since it was read: once more. Else authentic and out of its turn: the session ends. */
            if
            :: mine == current
            :: else -> end_session(); goto out
            fi
        fi
    :: goto out
    od;
out: skip
}

proctype User()
{
    end_session()
}

proctype Trouble()
{
    do
    :: grace_over = true
#ifdef FALLBACK
    :: d_step { kept = true; generation = 1; current = 1; previous = 0; grace_over = false }
#endif
    od
}

init { atomic { run Holder(1); run Holder(2); run User(); run Trouble() } }

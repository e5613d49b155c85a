/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_log.pml - a client, storage, a driver and its device: storage and the driver end at any time and start again,
 * and each client keeps its requests until they are answered (services/storage/disk.c, services/vmm/backend/blk_request.c)
 *
 * The client writes one block, again and again, each time with the next version; it sends a version when the one before
 * is acknowledged, so nothing older may reach the block then. A ring is a channel whose messages carry the epoch of the
 * connection; a message of another epoch is not looked at. When the driver ends, its device is reset before a new driver
 * begins the next epoch. When storage ends, its connection with the driver is closed, which waits for the device, before
 * a new storage begins. The device may do what it has at any time until it is reset. How often each of the two ends is
 * limited.
 *
 * Shows: a version that is acknowledged is in the block, and no older one comes after it (assertions); every write is
 * acknowledged (else the client would wait in an invalid end state).
 *
 * Variants, each of which must be found wrong:
 * NO_RESET NO_DRAIN NO_EPOCH NO_REPLAY NO_REPLAY_BY_CLIENT NO_WAIT_FOR_ANSWER
 */
#define VERSIONS 3
#define ENDS 2 /* of the driver, and of storage */
#define SLOTS 3 /* requests that the device has */
#define LOG 2   /* requests that storage keeps */

byte block; /* the version in it */
byte acked;

/* The connections' epochs, as their services have begun them. */
byte blk_epoch; /* storage serves the client */
byte drv_epoch; /* the driver serves storage */
bool storage_runs = true;

chan to_storage = [2] of { byte, byte, byte }; /* epoch, id, version */
chan to_client = [2] of { byte, byte };
chan to_driver = [2] of { byte, byte, byte };
chan from_driver = [3] of { byte, byte };

/* What the device has: for which driver's epoch, and whether it is done. */
byte dev_version[SLOTS], dev_id[SLOTS], dev_epoch[SLOTS];
bool dev_done[SLOTS];

/* Storage's log. */
byte log_version[LOG], log_id[LOG];
bool log_sent[LOG];

#ifdef NO_EPOCH
#define OF_EPOCH(mine, epoch) true
#else
#define OF_EPOCH(mine, epoch) ((mine) == (epoch))
#endif
#define DEVICE_IDLE (dev_version[0] == 0 && dev_version[1] == 0 && dev_version[2] == 0)

active proctype client()
{
	byte version = 1, id = 1, epoch, e, i;

	do
	:: version > VERSIONS -> break
	:: else ->
		atomic { epoch = blk_epoch; to_storage ! epoch, id, version }
answer:		if
		:: atomic { to_client ? e, i ->
			if
			:: OF_EPOCH(epoch, e) && i == id ->
				assert(block == version);
				acked = version;
				version++
			:: else -> goto answer
			fi }
#ifndef NO_REPLAY_BY_CLIENT
		:: atomic { blk_epoch != epoch && len(to_storage) < 2 -> skip }
#endif
		fi;
		id++
	od
}

/* The index of the log's first free or wanted place. */
inline log_take(v, i)
{
	if
	:: log_version[0] == 0 -> log_version[0] = v; log_id[0] = i; log_sent[0] = false
	:: else -> assert(log_version[1] == 0); log_version[1] = v; log_id[1] = i; log_sent[1] = false
	fi
}

inline log_send(n)
{
	to_driver ! epoch, n, log_version[n];
	log_sent[n] = true
}

/* One life after the other: a new one has an empty log. */
active proctype storage()
{
	byte epoch, e, i, v;

end:	do
	/* another driver has started */
	:: atomic { storage_runs && epoch != drv_epoch ->
		epoch = drv_epoch;
#ifndef NO_REPLAY
		log_sent[0] = false; log_sent[1] = false
#endif
		}
	:: atomic { storage_runs && log_version[0] && !log_sent[0] && len(to_driver) < 2 -> log_send(0) }
	:: atomic { storage_runs && log_version[1] && !log_sent[1] && len(to_driver) < 2 -> log_send(1) }
	:: atomic { storage_runs && (log_version[0] == 0 || log_version[1] == 0) && len(to_client) < 2 && nempty(to_storage) ->
		to_storage ? e, i, v;
		if
		:: OF_EPOCH(blk_epoch, e) -> log_take(v, i)
		:: else
		fi;
#ifdef NO_WAIT_FOR_ANSWER
		to_client ! blk_epoch, i;
#endif
		}
	:: atomic { storage_runs && nempty(from_driver) && len(to_client) < 2 ->
		from_driver ? e, i;
		if
		:: OF_EPOCH(epoch, e) && log_version[i] && log_sent[i] ->
#ifndef NO_WAIT_FOR_ANSWER
			to_client ! blk_epoch, log_id[i];
#endif
			log_version[i] = 0
		:: else
		fi }
	od
}

inline device_take(n)
{
	dev_version[n] = v; dev_id[n] = i; dev_epoch[n] = e; dev_done[n] = false
}

inline driver_answer(n)
{
	if
	/* nobody waits for what an earlier driver, or storage, left there */
	:: dev_epoch[n] == drv_epoch && storage_runs -> from_driver ! drv_epoch, dev_id[n]
	:: else
	fi;
	dev_version[n] = 0
}

active proctype driver()
{
	byte e, i, v;

end:	do
	:: atomic { storage_runs && nempty(to_driver) && (dev_version[0] == 0 || dev_version[1] == 0 || dev_version[2] == 0) ->
		to_driver ? e, i, v;
		if
		:: !OF_EPOCH(drv_epoch, e)
		:: OF_EPOCH(drv_epoch, e) && dev_version[0] == 0 -> device_take(0)
		:: OF_EPOCH(drv_epoch, e) && dev_version[0] && dev_version[1] == 0 -> device_take(1)
		:: OF_EPOCH(drv_epoch, e) && dev_version[0] && dev_version[1] -> device_take(2)
		fi }
	:: atomic { dev_version[0] && dev_done[0] && (!storage_runs || len(from_driver) < 3) -> driver_answer(0) }
	:: atomic { dev_version[1] && dev_done[1] && (!storage_runs || len(from_driver) < 3) -> driver_answer(1) }
	:: atomic { dev_version[2] && dev_done[2] && (!storage_runs || len(from_driver) < 3) -> driver_answer(2) }
	od
}

inline device_do(n)
{
	block = dev_version[n];
	assert(block >= acked);
	dev_done[n] = true
}

active proctype device()
{
end:	do
	:: atomic { dev_version[0] && !dev_done[0] -> device_do(0) }
	:: atomic { dev_version[1] && !dev_done[1] -> device_do(1) }
	:: atomic { dev_version[2] && !dev_done[2] -> device_do(2) }
	od
}

inline device_reset()
{
#ifdef NO_RESET
	skip
#else
	dev_version[0] = 0; dev_version[1] = 0; dev_version[2] = 0
#endif
}

active proctype driver_ends()
{
	byte n;

end:	do
	:: atomic { n < ENDS -> n++; device_reset(); drv_epoch++ }
	od
}

active proctype storage_ends()
{
	byte n;

end:	do
	:: atomic { n < ENDS -> n++; storage_runs = false };
#ifndef NO_DRAIN
		/* the connection with the driver is closed */
		atomic { DEVICE_IDLE -> skip };
#endif
		atomic {
			log_version[0] = 0; log_version[1] = 0;
			drv_epoch++; /* a new connection: nothing of the old one is in its rings */
			blk_epoch++;
			storage_runs = true
		}
	od
}

"""The processes of a fleet: Dramatiq's broker and actors around the loop, worker, scheduler, and what runs them all."""

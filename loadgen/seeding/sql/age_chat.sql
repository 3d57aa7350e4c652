SELECT loadgen.replay_chat(%(first)s, %(last)s);

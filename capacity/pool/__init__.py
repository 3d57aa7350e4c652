"""How many connections: the least pool that is as good as the best, and the limits around it."""

from capacity.pool.recommend import recommend_pool
from capacity.pool.setting import ONE_INSTANCE, Deployment, PoolSetting

__all__ = [
    "ONE_INSTANCE",
    "Deployment",
    "PoolSetting",
    "recommend_pool",
]

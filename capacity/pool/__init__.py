"""Size of the connection pool: the smallest as good as the best, and the limits it must respect."""

from capacity.pool.recommend import recommend_pool
from capacity.pool.setting import ONE_INSTANCE, Deployment, PoolSetting

__all__ = [
    "ONE_INSTANCE",
    "Deployment",
    "PoolSetting",
    "recommend_pool",
]

-- Files are copied, not logged row by row: faster for anything large, and a checkpoint either side.
CREATE DATABASE {copy} TEMPLATE {source} STRATEGY FILE_COPY;

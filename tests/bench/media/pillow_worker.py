"""A picture worker as it is where libvips is missing."""

from wall.pictures import by_vips, worker

if __name__ == "__main__":
    by_vips.forget()
    worker.main()

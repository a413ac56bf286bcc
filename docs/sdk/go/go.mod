module example

go 1.19

require quorate v0.0.0

replace quorate => ./client

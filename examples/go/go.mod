module dwcp.example/client

go 1.19

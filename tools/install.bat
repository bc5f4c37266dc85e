@echo off
rem Installs gridcell into the folder .venv beside this file. No network is used.
cd /d "%~dp0"
py -@PYTHON@ --version >nul 2>&1
if errorlevel 1 (
  echo Python @PYTHON@, 64 bit, is needed: install it first, then start this file again.
  pause
  exit /b 1
)
py -@PYTHON@ -m venv .venv || goto failed
.venv\Scripts\python -m pip install --no-index --find-links wheels "gridcell[@EXTRAS@]" || goto failed
echo.
echo Installed. The command is "%~dp0.venv\Scripts\gridcell.exe"; try it with:
echo   .venv\Scripts\gridcell inspect samples\gbk_cgcs2000\communities.shp
pause
exit /b 0
:failed
echo Not installed: what went wrong is above.
pause
exit /b 1
